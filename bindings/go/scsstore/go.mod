module lovely.session/go/scsstore

go 1.24

replace lovely.session/go => ..

require (
	github.com/alexedwards/scs/v2 v2.9.0
	lovely.session/go v0.0.0-00010101000000-000000000000
)
