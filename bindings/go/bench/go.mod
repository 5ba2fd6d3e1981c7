module lovely.session/go/bench

go 1.24

replace lovely.session/go => ..

require (
	github.com/bradfitz/gomemcache v0.0.0-20230905024940-24af94b03874
	lovely.session/go v0.0.0-00010101000000-000000000000
)
