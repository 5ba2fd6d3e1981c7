module lovely.session/go/gorillastore

go 1.24

replace lovely.session/go => ..

require (
	github.com/gorilla/securecookie v1.1.2
	github.com/gorilla/sessions v1.4.0
	lovely.session/go v0.0.0-00010101000000-000000000000
)
