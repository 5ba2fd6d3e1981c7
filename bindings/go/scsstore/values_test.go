package scsstore_test

import (
	"context"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/alexedwards/scs/v2"
	lovely "lovely.session/go"
	"lovely.session/go/scsstore"
)

type profile struct {
	Name string
	Tags map[string]int
}

type level int

func init() {
	gob.Register(profile{})
	gob.Register(level(0))
	gob.Register(map[string]any{})
	gob.Register([]any{})
	gob.Register([]string{})
	gob.Register(map[string]string{})
	gob.Register(time.Time{})
}

func TestValuesComeBackAsTheTypeThatTheyWere(t *testing.T) {
	zone := time.FixedZone("", 3600)
	values := map[string]any{
		"bool": true, "int": -5, "int8": int8(-8), "int16": int16(16), "int32": int32(32), "int64": int64(math.MinInt64),
		"uint": uint(7), "uint8": uint8(8), "uint16": uint16(16), "uint32": uint32(32), "uint64": uint64(math.MaxUint64),
		"float32": float32(1.5), "float64": math.Pi, "inf": math.Inf(-1), "zero": math.Copysign(0, -1),
		"string": "Zoë \x00 😀", "latin": "\xe9t\xe9", "bytes": []byte{0, 1, 0xff}, "empty": "",
		"time": time.Date(2026, 11, 22, 3, 0, 0, 5, time.UTC), "zone": time.Date(12026, 1, 2, 3, 4, 5, 6, zone),
		"list": []any{1, "a", 2.5, []any{int64(3)}, map[string]any{"k": int8(1)}}, "texts": []string{"a", "b"},
		"map": map[string]any{"go:int64": 5}, "textmap": map[string]string{"a": "b"}, "level": level(3),
		"profile": profile{"Ada", map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5}},
		"":        "no name", "\xff": "an odd name", "deep": map[string]any{"a": map[string]any{"b": []any{true, profile{Name: "x"}}}},
	}
	for _, onMemcached := range []bool{false, true} {
		site := newSite(t, onMemcached, true, time.Hour)
		site.Lifetime = 24 * time.Hour
		ctx, err := site.Load(context.Background(), "")
		check(t, err)
		for key, value := range values {
			site.Put(ctx, key, value)
		}
		token, _, err := site.Commit(ctx)
		check(t, err)
		before := writes(t, site)
		for range 3 {
			ctx, err = site.Load(context.Background(), token)
			check(t, err)
			for key, value := range values {
				got := site.Get(ctx, key)
				if was, ok := value.(time.Time); ok && was.Equal(site.GetTime(ctx, key)) {
					continue
				}
				if !reflect.DeepEqual(got, value) {
					t.Errorf("%q came back as %T %v, not %T %v", key, got, got, value, value)
				}
			}
			if keys := site.Keys(ctx); len(keys) != len(values) {
				t.Errorf("the keys are %q", keys)
			}
			_, _, err = site.Commit(ctx)
			check(t, err)
		}
		if now := writes(t, site); now != before {
			t.Errorf("%d writes of what was not changed", now-before)
		}
	}
}

func TestAValueThatIsChangedInPlaceIsStored(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		ctx, err := site.Load(context.Background(), "")
		check(t, err)
		data := []byte("abc")
		site.Put(ctx, "bytes", data)
		site.Put(ctx, "list", []any{1})
		token, _, err := site.Commit(ctx)
		check(t, err)
		data[0] = 'x'
		site.Put(ctx, "bytes", data)
		_, _, err = site.Commit(ctx)
		check(t, err)
		ctx, err = site.Load(context.Background(), token)
		check(t, err)
		if got := string(site.GetBytes(ctx, "bytes")); got != "xbc" {
			t.Errorf("%q", got)
		}
		site.Get(ctx, "list").([]any)[0] = 2
		site.Put(ctx, "list", site.Get(ctx, "list"))
		_, _, err = site.Commit(ctx)
		check(t, err)
		ctx, err = site.Load(context.Background(), token)
		check(t, err)
		if got := fmt.Sprint(site.Get(ctx, "list")); got != "[2]" {
			t.Errorf("%s", got)
		}
	})
}

func TestWhatCannotBeStoredIsAnError(t *testing.T) {
	everywhere(t, func(t *testing.T, site *site) {
		for _, value := range []any{func() {}, make(chan int), struct{ a int }{1}} {
			ctx, err := site.Load(context.Background(), "")
			check(t, err)
			site.Put(ctx, "key", value)
			if _, _, err := site.Commit(ctx); err == nil {
				t.Errorf("a %T was stored", value)
			}
		}
		ctx, err := site.Load(context.Background(), "")
		check(t, err)
		site.Put(ctx, "key", strings.Repeat("x", 2<<20))
		if _, _, err := site.Commit(ctx); !errors.Is(err, lovely.ErrTooLarge) {
			t.Errorf("%v", err)
		}
	})
	site := newSite(t, false, true, 0)
	ctx, err := site.Load(context.Background(), "")
	check(t, err)
	loop := []any{nil}
	loop[0] = loop
	site.Put(ctx, "key", loop)
	if _, _, err := site.Commit(ctx); !errors.Is(err, lovely.ErrTooLarge) {
		t.Errorf("%v", err)
	}
}

// Other languages read and write the keys.
func TestKeysAreThoseOfThePackage(t *testing.T) {
	for _, onMemcached := range []bool{false, true} {
		site := newSite(t, onMemcached, true, 0)
		site.store.Package = "rack"
		ctx, err := site.Load(context.Background(), "")
		check(t, err)
		site.Put(ctx, "name", "Ada")
		site.Put(ctx, "items", 3)
		token, _, err := site.Commit(ctx)
		check(t, err)
		check(t, site.lovely.Update(context.Background(), func(txn *lovely.Txn) error {
			session, err := txn.Session(site.container, token)
			check(t, err)
			pkg := session.Pkg("rack")
			if content, err := pkg.Content(); err != nil || !reflect.DeepEqual(content, map[string]any{"name": "Ada", "items": int64(3)}) {
				t.Errorf("%v, %v", content, err)
			}
			if err := pkg.Set("theirs", []any{"x"}); err != nil {
				return err
			}
			return session.Pkg("other").Set("n", 1)
		}))
		ctx, err = site.Load(context.Background(), token)
		check(t, err)
		if site.GetInt(ctx, "items") != 3 || fmt.Sprint(site.Get(ctx, "theirs")) != "[x]" {
			t.Errorf("%v", site.Keys(ctx))
		}
		check(t, site.Clear(ctx))
		_, _, err = site.Commit(ctx)
		check(t, err)
		check(t, site.lovely.View(context.Background(), func(txn *lovely.Txn) error {
			session, err := txn.Session(site.container, token)
			check(t, err)
			if content, err := session.Content(); err != nil || fmt.Sprint(content) != "map[other:map[n:1] rack:map[]]" {
				t.Errorf("%v, %v", content, err)
			}
			return nil
		}))
	}
}

func TestTheCodecMayBeChanged(t *testing.T) {
	for _, onMemcached := range []bool{false, true} {
		site := newSite(t, onMemcached, false, 0)
		blobs := site.Codec
		var token string
		for i, codec := range []scs.Codec{blobs, scsstore.Codec{}, scs.GobCodec{}, scsstore.Codec{}, blobs} {
			site.Codec = codec
			ctx, err := site.Load(context.Background(), token)
			check(t, err)
			if got := site.GetInt(ctx, "n"); got != i {
				t.Fatalf("%d: n is %d", i, got)
			}
			site.Put(ctx, "n", i+1)
			was := token
			token, _, err = site.Commit(ctx)
			check(t, err)
			if i > 0 && was != token {
				t.Fatal("the token changed")
			}
		}
	}
}

// writes counts what was written.
func writes(t testing.TB, site *site) uint64 {
	t.Helper()
	stats, err := site.lovely.Stats()
	check(t, err)
	return stats.Writes
}
