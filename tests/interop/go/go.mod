module lovely.session/go/interop

go 1.24

require lovely.session/go v0.0.0

replace lovely.session/go => ../../../bindings/go
