module lovely.session/go/examples/shop

go 1.24

require lovely.session/go v0.0.0

// The module is fetched by path; a program elsewhere says where it has this repository.
replace lovely.session/go => ../../bindings/go
