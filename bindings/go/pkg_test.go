package lovely_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"

	lovely "lovely.session/go"
)

func TestKeysOfAPackage(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
		check(t, pkg.Update(map[string]any{"b": 1, "a": 2, "é": 3, "": 4, "c": nil}))
		if got := must[[]string](t)(pkg.Keys()); !reflect.DeepEqual(got, []string{"", "a", "b", "c", "é"}) {
			t.Fatal(got)
		}
		if got := must[int](t)(pkg.Len()); got != 5 {
			t.Fatal(got)
		}
		if !must[bool](t)(pkg.Has("c")) || must[bool](t)(pkg.Has("d")) {
			t.Fatal("it tells wrongly whether a key is there")
		}
		if !must[bool](t)(pkg.Delete("c")) || must[bool](t)(pkg.Delete("c")) {
			t.Fatal("it tells wrongly whether a key was there")
		}
		entries, err := pkg.All()
		check(t, err)
		keys := []string{}
		for key, value := range entries {
			keys = append(keys, key)
			check(t, pkg.Set(key+"'", value))
			if key == "a" {
				break
			}
		}
		if !reflect.DeepEqual(keys, []string{"", "a"}) {
			t.Fatal(keys)
		}
		check(t, pkg.Replace(map[string]any{"only": true}))
		if got := must[map[string]any](t)(pkg.Content()); !reflect.DeepEqual(got, map[string]any{"only": true}) {
			t.Fatal(got)
		}
		check(t, pkg.Clear())
		if got := must[int](t)(pkg.Len()); got != 0 {
			t.Fatal(got)
		}
		if err := pkg.Update([]int{1}); !errors.Is(err, lovely.ErrType) {
			t.Fatal(err)
		}
	})
}

// Contract 5.4.
func TestAddCountsFromNothingAndRefusesWhatIsNoInteger(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
		for want := int64(5); want <= 10; want += 5 {
			if got := must[int64](t)(pkg.Add("items", 5)); got != want {
				t.Fatal(got)
			}
		}
		check(t, pkg.SetString("text", "1"))
		if _, err := pkg.Add("text", 1); !errors.Is(err, lovely.ErrType) {
			t.Fatal(err)
		}
		check(t, pkg.SetInt("full", math.MaxInt64))
		if _, err := pkg.Add("full", 1); !errors.Is(err, lovely.ErrRange) {
			t.Fatal(err)
		}
	})
}

type address struct {
	Street string `lovely:"street"`
	Number int    `lovely:"number,omitempty"`
}

type base struct {
	Created int64 `lovely:"created"`
}

type profile struct {
	base
	Name     string          `lovely:"name"`
	Age      uint8           `lovely:"age"`
	Ratio    float32         `lovely:"ratio"`
	Avatar   []byte          `lovely:"avatar"`
	Digest   [4]byte         `lovely:"digest"`
	Tags     []string        `lovely:"tags"`
	Limits   [2]int          `lovely:"limits"`
	Home     *address        `lovely:"home"`
	Work     *address        `lovely:"work"`
	Prefs    map[string]bool `lovely:"prefs"`
	Extra    any             `lovely:"extra"`
	Nickname string          `lovely:"nickname,omitempty"`
	Secret   string          `lovely:"-"`
	Plain    map[string]string
	hidden   int
}

func TestStructsGoInAndOut(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		pkg := session(t, txn, visitors, "a").Pkg("profile")
		ann := profile{
			base: base{7}, Name: "Ann", Age: 200, Ratio: 0.25, Avatar: []byte{0, 1}, Digest: [4]byte{1, 2, 3, 4},
			Tags: []string{"a", ""}, Limits: [2]int{-1, 1}, Home: &address{"Main", 0}, Prefs: map[string]bool{"dark": true},
			Extra: []any{int64(1), "x"}, Secret: "secret", Plain: map[string]string{}, hidden: 3,
		}
		check(t, pkg.Update(&ann))
		if got := must[map[string]any](t)(pkg.Content()); !reflect.DeepEqual(got, map[string]any{
			"created": int64(7), "name": "Ann", "age": int64(200), "ratio": 0.25, "avatar": []byte{0, 1},
			"digest": []byte{1, 2, 3, 4}, "tags": []any{"a", ""}, "limits": []any{int64(-1), int64(1)},
			"home": map[string]any{"street": "Main"}, "work": nil, "prefs": map[string]any{"dark": true},
			"extra": []any{int64(1), "x"}, "Plain": map[string]any{},
		}) {
			t.Fatal(got)
		}
		check(t, txn.Commit())

		pkg = session(t, begin(t, store), visitors, "a").Pkg("profile")
		got := profile{Secret: "kept", hidden: 4, Nickname: "kept"}
		check(t, pkg.Load(&got))
		want := ann
		want.Secret, want.hidden, want.Nickname = "kept", 4, "kept"
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v", got)
		}
		if home := must[address](t)(lovely.Get[address](pkg, "home")); home != *ann.Home {
			t.Fatal(home)
		}
		if tags := must[[]string](t)(lovely.Get[[]string](pkg, "tags")); !reflect.DeepEqual(tags, ann.Tags) {
			t.Fatal(tags)
		}
		if _, err := lovely.Get[int](pkg, "absent"); err != lovely.ErrNotFound {
			t.Fatal(err)
		}
		check(t, pkg.Set("home", address{"Side", 5}))
		if got := must[any](t)(pkg.Get("home")); !reflect.DeepEqual(got, map[string]any{"street": "Side", "number": int64(5)}) {
			t.Fatal(got)
		}
	})
}

func TestAStructThatDoesNotFitIsRefusedAndStaysAsItWas(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "a").Pkg("profile")
	check(t, pkg.Update(map[string]any{
		"name": "Ann", "age": 256, "created": 1, "tags": []any{"a", 1}, "limits": []int{1}, "ratio": 1e300, "home": "no map", "avatar": "text",
		"digest": []byte{1}, "nil": nil,
	}))
	var dst struct {
		Name string `lovely:"name"`
		Age  uint8  `lovely:"age"`
	}
	dst.Name = "before"
	if err := pkg.Load(&dst); !errors.Is(err, lovely.ErrRange) || dst.Name != "before" {
		t.Error(err, dst)
	}
	decode := map[string]func() error{
		"age to int8":      func() error { _, err := lovely.Get[int8](pkg, "age"); return err },
		"limits too short": func() error { _, err := lovely.Get[[2]int](pkg, "limits"); return err },
		"ratio to float32": func() error { _, err := lovely.Get[float32](pkg, "ratio"); return err },
		"digest too short": func() error { _, err := lovely.Get[[4]byte](pkg, "digest"); return err },
	}
	for name, decode := range decode {
		if err := decode(); !errors.Is(err, lovely.ErrRange) {
			t.Error(name, err)
		}
	}
	type pointer *pointer
	decode = map[string]func() error{
		"int to pointers":  func() error { _, err := lovely.Get[pointer](pkg, "age"); return err },
		"int to float":     func() error { _, err := lovely.Get[float64](pkg, "age"); return err },
		"text in list":     func() error { _, err := lovely.Get[[]string](pkg, "tags"); return err },
		"text to struct":   func() error { _, err := lovely.Get[address](pkg, "home"); return err },
		"text to bytes":    func() error { _, err := lovely.Get[[]byte](pkg, "avatar"); return err },
		"nil to int":       func() error { _, err := lovely.Get[int](pkg, "nil"); return err },
		"list to bytes":    func() error { _, err := lovely.Get[[]byte](pkg, "limits"); return err },
		"package to list":  func() error { return pkg.Load(new([]any)) },
		"map by number":    func() error { return pkg.Load(new(map[int]any)) },
		"list to chan":     func() error { _, err := lovely.Get[chan int](pkg, "limits"); return err },
		"bytes to strings": func() error { _, err := lovely.Get[[]string](pkg, "digest"); return err },
	}
	for name, decode := range decode {
		if err := decode(); !errors.Is(err, lovely.ErrType) {
			t.Error(name, err)
		}
	}
	check(t, pkg.Set("map", map[string]any{"a\nb": 1}))
	if _, err := lovely.Get[map[string]string](pkg, "map"); !errors.Is(err, lovely.ErrType) || strings.Contains(err.Error(), "\n") {
		t.Error(err)
	}
	if err := pkg.Load(dst); !errors.Is(err, lovely.ErrArgument) {
		t.Error(err)
	}
	type twice struct {
		A int `lovely:"a"`
		B int `lovely:"a"`
	}
	type unknown struct {
		A int `lovely:"a,strange"`
	}
	type tagged struct {
		A int
		b int `lovely:"b"`
	}
	for _, value := range []any{twice{}, unknown{}, tagged{b: 1}} {
		if err := pkg.Update(value); !errors.Is(err, lovely.ErrArgument) {
			t.Error(err)
		}
	}
}
