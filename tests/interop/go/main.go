// Every type of value, as Go writes and reads it; tests/interop/run.sh says what for.
//
//	values URL write ID       values URL check ID       values URL copy FROM TO
package main

import (
	"context"
	"fmt"
	"log"
	"math"
	"os"
	"strings"

	lovely "lovely.session/go"
	"lovely.session/go/internal/valuetest"
)

func deep() any {
	var value any = int64(1)
	for range 40 {
		value = []any{value}
	}
	return value
}

func allBytes() []byte {
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	return all
}

var table = map[string]any{
	"null": nil, "": nil, "true": true, "false": false,
	"zero": int64(0), "min": int64(math.MinInt64), "max": int64(math.MaxInt64), "key\x00NUL": int64(-1), "\U0001D11E": int64(119070),
	"one": 1.0, "minus zero": math.Copysign(0, -1), "huge": 1e308, "tiny": 5e-324, "infinity": math.Inf(1), "minus infinity": math.Inf(-1),
	"nan": math.Float64frombits(0x7ff8000000000000), "odd nan": math.Float64frombits(0xfff8deadbeef0001),
	"empty text": "", "text": "a\x00b ☃ \U0001D11E", "long text": strings.Repeat("ä", 100000),
	"no bytes": []byte{}, "bytes": allBytes(), "empty list": []any{}, "empty map": map[string]any{},
	"nested": map[string]any{
		"": []any{nil, true, []any{}, map[string]any{}, math.Copysign(0, -1), math.Float64frombits(0x7ff8000000000001),
			int64(math.MinInt64), int64(math.MaxInt64)},
		"bytes and text": []any{[]byte{0, 255}, []byte{}, ""}, "deep": deep(), "\U0001D11E\x00": "\x00 \U0001D11E",
	},
}

func check(pkg lovely.Pkg) error {
	content, err := pkg.Content()
	if err != nil {
		return err
	}
	if len(content) != len(table) {
		return fmt.Errorf("%d keys, not %d", len(content), len(table))
	}
	for key, want := range table {
		alone, err := pkg.Get(key)
		if err != nil {
			return fmt.Errorf("%q: %w", key, err)
		}
		if !valuetest.Same(alone, want) || !valuetest.Same(content[key], want) {
			return fmt.Errorf("%q is not as it was written: %.100v", key, alone)
		}
	}
	return nil
}

func run(url, what, id, to string) error {
	store, err := lovely.Open(url)
	if err != nil {
		return err
	}
	defer store.Close()
	container, err := store.Container("interop")
	if err != nil {
		return err
	}
	return store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(container, id)
		if err != nil {
			return err
		}
		pkg := session.Pkg("values")
		switch what {
		case "check":
			return check(pkg)
		case "write":
			for key, value := range table {
				if err := pkg.Set(key, value); err != nil {
					return err
				}
			}
			return nil
		}
		copied, err := txn.Session(container, to)
		if err != nil {
			return err
		}
		all, err := pkg.All()
		if err != nil {
			return err
		}
		for key, value := range all {
			if err := copied.Pkg("values").Set(key, value); err != nil {
				return err
			}
		}
		return nil
	})
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 4 {
		os.Exit(2)
	}
	var to string
	if len(os.Args) > 4 {
		to = os.Args[4]
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3], to); err != nil {
		log.Fatal(err)
	}
}
