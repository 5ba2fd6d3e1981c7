package lovely_test

import (
	"context"
	"testing"

	lovely "lovely.session/go"
)

// benchPkg runs a call on a package of an open session.
func benchPkg(b *testing.B, call func(pkg lovely.Pkg) error) {
	store := open(b, memoryURL())
	txn := begin(b, store)
	pkg := session(b, txn, container(b, store), "a").Pkg("cart")
	check(b, pkg.Update(map[string]any{"int": 1, "text": "some text", "list": []any{1, 2, "three", map[string]any{"four": 5}}}))
	b.ReportAllocs()
	for b.Loop() {
		if err := call(pkg); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkInt(b *testing.B) {
	benchPkg(b, func(pkg lovely.Pkg) error { _, err := pkg.Int("int"); return err })
}

func BenchmarkSetInt(b *testing.B) {
	benchPkg(b, func(pkg lovely.Pkg) error { return pkg.SetInt("int", 2) })
}

func BenchmarkString(b *testing.B) {
	benchPkg(b, func(pkg lovely.Pkg) error { _, err := pkg.String("text"); return err })
}

func BenchmarkSetString(b *testing.B) {
	benchPkg(b, func(pkg lovely.Pkg) error { return pkg.SetString("text", "other text") })
}

func BenchmarkGetList(b *testing.B) {
	benchPkg(b, func(pkg lovely.Pkg) error { _, err := pkg.Get("list"); return err })
}

func BenchmarkSetList(b *testing.B) {
	list := []any{1, 2, "three", map[string]any{"four": 6}}
	benchPkg(b, func(pkg lovely.Pkg) error { return pkg.Set("list", list) })
}

func BenchmarkEmptyTransaction(b *testing.B) {
	store := open(b, memoryURL())
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		check(b, store.Update(ctx, func(*lovely.Txn) error { return nil }))
	}
}

func BenchmarkCycleInMemory(b *testing.B) {
	store := open(b, memoryURL())
	visitors := container(b, store)
	ctx := context.Background()
	b.ReportAllocs()
	for b.Loop() {
		check(b, store.Update(ctx, func(txn *lovely.Txn) error {
			s, err := txn.Session(visitors, "a")
			if err != nil {
				return err
			}
			_, err = s.Pkg("cart").Add("items", 1)
			return err
		}))
	}
}
