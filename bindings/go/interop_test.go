package lovely_test

import (
	"context"
	"math"
	"os/exec"
	"path/filepath"
	"testing"

	lovely "lovely.session/go"
	"lovely.session/go/internal/valuetest"
)

// What testdata/roundtrip.c writes, and checks.
var byC = map[string]any{
	"null": nil, "bool": true, "min": int64(math.MinInt64), "max": int64(math.MaxInt64), "one": 1.0,
	"nan": math.Float64frombits(0xfff8deadbeef0001), "infinity": math.Inf(-1), "minus zero": math.Copysign(0, -1),
	"empty": "", "text": "a\x00b ☃", "bytes": []byte{0, 255, 0}, "no bytes": []byte{}, "key\x00NUL": int64(7),
	"nested": map[string]any{
		"": []any{nil, true, []any{}, map[string]any{}}, "deep": []any{[]any{[]any{[]any{int64(1)}}}},
	},
}

// Contract 7.1: a session written by C, changed by Go, read by C again.
func TestEveryValueGoesFromCToGoAndBack(t *testing.T) {
	program := filepath.Join(t.TempDir(), "roundtrip")
	run := func(name string, arguments ...string) {
		t.Helper()
		if output, err := exec.Command(name, arguments...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, output)
		}
	}
	tree, err := filepath.Abs("../..")
	check(t, err)
	libraries := filepath.Join(tree, "build", "lib")
	run("cc", "-std=c11", "-Wall", "-Wextra", "-Werror", "-I"+filepath.Join(tree, "include"), "testdata/roundtrip.c", "-o", program,
		"-L"+libraries, "-llovely_session", "-Wl,-rpath,"+libraries)
	url := memcachedURL()
	run(program, url, "write")
	store := open(t, url)
	visitors := container(t, store)
	check(t, store.Update(context.Background(), func(txn *lovely.Txn) error {
		s := session(t, txn, visitors, "shared")
		read, written := s.Pkg("by C"), s.Pkg("by Go")
		content := must[map[string]any](t)(read.Content())
		if !valuetest.Same(any(content), any(byC)) {
			t.Errorf("C wrote %v", content)
		}
		for key, value := range content {
			if got := must[any](t)(read.Get(key)); !valuetest.Same(got, byC[key]) {
				t.Errorf("%s, read alone: %v", key, got)
			}
			check(t, written.Set(key, value))
		}
		return nil
	}))
	run(program, url, "check")
}
