module lovely.session/go/bench

go 1.24

replace (
	lovely.session/go => ..
	lovely.session/go/gorillastore => ../gorillastore
	lovely.session/go/scsstore => ../scsstore
)

require (
	github.com/alexedwards/scs/v2 v2.9.0
	github.com/bradfitz/gomemcache v0.0.0-20230905024940-24af94b03874
	github.com/bradleypeabody/gorilla-sessions-memcache v0.0.0-20240916143655-c0e34fd2f304
	github.com/gorilla/sessions v1.4.0
	lovely.session/go v0.0.0-00010101000000-000000000000
	lovely.session/go/gorillastore v0.0.0-00010101000000-000000000000
	lovely.session/go/scsstore v0.0.0-00010101000000-000000000000
)

require (
	github.com/gorilla/securecookie v1.1.2 // indirect
	github.com/memcachier/mc/v3 v3.0.3 // indirect
)
