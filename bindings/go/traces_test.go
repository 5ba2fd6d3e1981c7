package lovely_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/internal/valuetest"
)

// What stands in tests/conformance/traces, counted there: steps of which the answer is compared, up to the first quirk of
// each trace, and those that do nothing here. Fewer would mean that something is silently left out.
const (
	wantTraces  = 85
	wantChecked = 792
	wantSkipped = 2
)

// The ancestor's recorded behaviour, replayed through this package; see tests/conformance/README.md.
func TestTheTracesAnswerAsRecorded(t *testing.T) {
	files, err := filepath.Glob("../../tests/conformance/traces/*.json")
	check(t, err)
	if len(files) != wantTraces {
		t.Fatalf("%d traces, not %d", len(files), wantTraces)
	}
	for _, kind := range []string{"memory", "memcached"} {
		t.Run(kind, func(t *testing.T) {
			checked, skipped := 0, 0
			for i, file := range files {
				if testing.Short() && i%6 != 0 {
					continue
				}
				c, s := replay(t, kind, file)
				checked, skipped = checked+c, skipped+s
			}
			if testing.Short() {
				return
			}
			if checked != wantChecked || skipped != wantSkipped {
				t.Errorf("%d steps checked, %d skipped, not %d and %d", checked, skipped, wantChecked, wantSkipped)
			}
		})
	}
}

type trace struct {
	World struct {
		Clock      int64
		Containers map[string]struct {
			Name                string
			Timeout, Resolution int64
		}
	}
	Steps []step
}

type step struct {
	Op, Actor, As, Container, ID, Session, Pkg, Key, Savepoint, Nested, Inner, Quirk, A, B string

	PkgHandle      string `json:"pkg_handle"`
	Value, Default any
	Advance        int64
	Timeout        *int64
	Resolution     *int64
	LastAccessTime *int64
	Expect         struct {
		OK    any
		Error string
	}
}

type runner struct {
	store      *lovely.Store
	relay      *relay
	containers map[string]*lovely.Container
	keys       map[string]string
	clock      int64
	start      time.Time
	began      time.Time
	moments    []time.Duration
	isDown     bool
	actors     map[string]*lovely.Txn
	sessions   map[string]lovely.Session
	opened     map[lovely.Session]string
	pkgs       map[string]lovely.Pkg
	nested     map[string]nested
	savepoints map[string]lovely.Savepoint
}

func replay(t *testing.T, kind, file string) (checked, skipped int) {
	text, err := os.ReadFile(file)
	check(t, err)
	var recorded trace
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	check(t, decoder.Decode(&recorded))

	r := &runner{
		containers: map[string]*lovely.Container{}, keys: map[string]string{}, clock: recorded.World.Clock, began: time.Now(),
		moments: []time.Duration{0}, actors: map[string]*lovely.Txn{}, sessions: map[string]lovely.Session{},
		opened: map[lovely.Session]string{}, pkgs: map[string]lovely.Pkg{}, nested: map[string]nested{},
		savepoints: map[string]lovely.Savepoint{},
	}
	url := memoryURL()
	if kind == "memcached" {
		r.relay = newRelay(t)
		defer r.relay.close()
		url = strings.Replace(memcachedURL(), server, r.relay.listener.Addr().String(), 1)
	}
	r.store, err = lovely.Open(url)
	check(t, err)
	defer r.store.Close()
	r.start, err = r.store.Testing().Now()
	check(t, err)
	for key, c := range recorded.World.Containers {
		container, err := r.store.Container(c.Name, lovely.WithTimeout(seconds(c.Timeout)), lovely.WithResolution(seconds(c.Resolution)))
		check(t, err)
		r.containers[key], r.keys[c.Name] = container, key
	}
	defer func() {
		for _, txn := range r.actors {
			_ = txn.Abort()
		}
	}()

	isStrict := true
	for at, step := range recorded.Steps {
		isOpen := step.Op == "open" || step.Op == "container_get"
		isStrict = isStrict && step.Quirk == "" && !(r.isDown && isOpen)
		answer, err := r.perform(&step)
		switch {
		case !isStrict:
		case err == errSkip:
			skipped++
		default:
			checked++
			if difference := compare(&step, answer, err); difference != "" {
				t.Errorf("%s, step %d, %s: %s", filepath.Base(file), at, step.Op, difference)
			}
		}
	}
	return checked, skipped
}

func seconds(n int64) time.Duration { return time.Duration(n) * time.Second }

func compare(step *step, answer any, err error) string {
	want := value(step.Expect.OK)
	if err != nil {
		name := err.Error()
		if errors.Is(err, lovely.ErrSavepoint) {
			name = "InvalidSavepointRollbackError"
		} else if errors.Is(err, lovely.ErrFailed) {
			name = "TransactionFailedError"
		}
		if name == step.Expect.Error {
			return ""
		}
	} else if step.Expect.Error == "" {
		switch step.Op {
		case "stored":
			if data, ok := want.(map[string]any); ok {
				want = data["data"]
			}
			fallthrough
		case "open", "container_get", "fresh_read", "session_dump":
			want, answer = withoutEmpty(want), withoutEmpty(answer)
		}
		if valuetest.Same(plain(answer), want) {
			return ""
		}
	}
	return fmt.Sprintf("expected %v %s, answered %v %v", want, step.Expect.Error, answer, err)
}

// value is what a trace says, in the types of this package.
func value(of any) any {
	switch of := of.(type) {
	case json.Number:
		if strings.ContainsAny(of.String(), ".eE") {
			f, _ := of.Float64()
			return f
		}
		i, _ := of.Int64()
		return i
	case []any:
		list := make([]any, len(of))
		for i := range of {
			list[i] = value(of[i])
		}
		return list
	case map[string]any:
		entries := map[string]any{}
		for key := range of {
			entries[key] = value(of[key])
		}
		return entries
	}
	return of
}

// plain is an answer in the types of values.
func plain(answer any) any {
	switch answer := answer.(type) {
	case map[string]map[string]any:
		entries := map[string]any{}
		for name, content := range answer {
			entries[name] = content
		}
		return entries
	case []string:
		list := make([]any, len(answer))
		for i := range answer {
			list[i] = answer[i]
		}
		return list
	case int:
		return int64(answer)
	}
	return answer
}

// withoutEmpty drops packages that have no key (contract 1.6).
func withoutEmpty(content any) any {
	full := map[string]any{}
	entries, ok := plain(content).(map[string]any)
	if !ok {
		return content
	}
	for name, pkg := range entries {
		if keys, ok := pkg.(map[string]any); !ok || len(keys) > 0 {
			full[name] = pkg
		}
	}
	return full
}
