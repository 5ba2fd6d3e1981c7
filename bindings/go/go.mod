module lovely.session/go

go 1.24
