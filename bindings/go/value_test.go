package lovely_test

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/internal/valuetest"
)

// everyValue is each type with its edges.
var everyValue = map[string]any{
	"nil": nil, "true": true, "false": false,
	"zero": int64(0), "min": int64(math.MinInt64), "max": int64(math.MaxInt64), "minus": int64(-1), "-33": int64(-33),
	"127": int64(127), "128": int64(128), "255": int64(255), "65536": int64(65536), "-129": int64(-129), "-32769": int64(-32769),
	"2^32": int64(1) << 32, "-2^31-1": int64(math.MinInt32) - 1,
	"float": 1.5, "float one": 1.0, "minus zero": math.Copysign(0, -1), "inf": math.Inf(1), "-inf": math.Inf(-1),
	"tiny": math.SmallestNonzeroFloat64, "huge": math.MaxFloat64,
	"nan": math.NaN(), "nan with payload": math.Float64frombits(0xfff8_dead_beef_0001), "signalling": math.Float64frombits(0x7ff0_0000_0000_0001),
	"empty text": "", "text": "héllo ☃ 😀", "text with NUL": "a\x00b", "text of 31": strings.Repeat("x", 31),
	"text of 32": strings.Repeat("x", 32), "text of 256": strings.Repeat("y", 256), "text of 70000": strings.Repeat("z", 70000),
	"empty bytes": []byte{}, "bytes": []byte{0, 1, 0xff, 0}, "bytes of 300": make([]byte, 300), "bytes of 70000": make([]byte, 70000),
	"empty list": []any{}, "list": []any{nil, true, int64(1), 1.0, "1", []byte("1"), []any{}, map[string]any{}},
	"list of 16": make([]any, 16), "list of 70000": make([]any, 70000),
	"empty map": map[string]any{}, "map": map[string]any{"": nil, "a\x00": []any{map[string]any{"deep": int64(-5)}}},
	"map of 16": manyKeys(16), "map of 70000": manyKeys(70000),
}

func manyKeys(n int) map[string]any {
	m := map[string]any{}
	for i := range n {
		m[strings.Repeat("k", i%3)+string(rune(0x100+i%1000))+string(rune('a'+i/1000))] = int64(i)
	}
	return m
}

// Contract 7.1.
func TestEveryValueComesBackExactly(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		for key, value := range everyValue {
			if strings.Contains(key, "70000") {
				continue
			}
			check(t, pkg.Set(key, value))
			if got := must[any](t)(pkg.Get(key)); !valuetest.Same(got, value) {
				t.Errorf("%s: %v", key, got)
			}
		}
		check(t, txn.Commit())
		for key, value := range cart(t, visitors, "a") {
			if !valuetest.Same(value, everyValue[key]) {
				t.Errorf("%s after the commit: %v", key, value)
			}
		}
		txn = begin(t, store)
		pkg = session(t, txn, visitors, "a").Pkg("cart")
		for key, value := range everyValue {
			if strings.Contains(key, "70000") {
				continue
			}
			if got := must[any](t)(pkg.Get(key)); !valuetest.Same(got, value) {
				t.Errorf("%s read alone: %v", key, got)
			}
		}
	})
}

func TestLargeValuesComeBackToo(t *testing.T) {
	store := open(t, memoryURL(), lovely.WithItemLimit(8<<20))
	visitors := container(t, store)
	stored(t, visitors, "a", everyValue)
	if got := cart(t, visitors, "a"); !valuetest.Same(any(got), any(everyValue)) {
		t.Fatal("they differ")
	}
}

func TestTypedGettersAndSettersKeepTypesApart(t *testing.T) {
	everywhere(t, func(t *testing.T, store *lovely.Store) {
		visitors := container(t, store)
		txn := begin(t, store)
		pkg := session(t, txn, visitors, "a").Pkg("cart")
		check(t, pkg.SetNil("nil"))
		check(t, pkg.SetBool("bool", true))
		check(t, pkg.SetInt("int", math.MinInt64))
		check(t, pkg.SetFloat("float", math.Inf(-1)))
		check(t, pkg.SetString("string", "a\x00b"))
		check(t, pkg.SetBytes("bytes", []byte{0, 255}))
		check(t, pkg.SetBytes("no bytes", nil))
		check(t, pkg.Set("list", []int{1}))
		check(t, pkg.Set("map", map[string]string{}))
		readers := map[string]func(string) (any, error){
			"bool":   func(key string) (any, error) { return pkg.Bool(key) },
			"int":    func(key string) (any, error) { return pkg.Int(key) },
			"float":  func(key string) (any, error) { return pkg.Float(key) },
			"string": func(key string) (any, error) { return pkg.String(key) },
			"bytes":  func(key string) (any, error) { return pkg.Bytes(key) },
		}
		want := map[string]any{"bool": true, "int": int64(math.MinInt64), "float": math.Inf(-1), "string": "a\x00b", "bytes": []byte{0, 255}}
		for kind, read := range readers {
			for _, key := range []string{"nil", "bool", "int", "float", "string", "bytes", "list", "map"} {
				got, err := read(key)
				if key == kind && (err != nil || !valuetest.Same(got, want[key])) {
					t.Error(key, got, err)
				}
				if key != kind && !errors.Is(err, lovely.ErrType) {
					t.Error(kind, key, got, err)
				}
			}
			if _, err := read("absent"); err != lovely.ErrNotFound || !errors.Is(err, lovely.ErrNotFound) {
				t.Error(err)
			}
		}
		if got := must[[]byte](t)(pkg.Bytes("no bytes")); got == nil || len(got) != 0 {
			t.Error(got)
		}
		for key, kind := range map[string]lovely.Type{
			"nil": lovely.TypeNil, "bool": lovely.TypeBool, "int": lovely.TypeInt, "float": lovely.TypeFloat,
			"string": lovely.TypeString, "bytes": lovely.TypeBytes, "list": lovely.TypeList, "map": lovely.TypeMap,
		} {
			if got := must[lovely.Type](t)(pkg.Type(key)); got != kind || got.String() != key {
				t.Error(key, got)
			}
		}
	})
}

func TestIntegersOfEveryWidthGoInIfTheyFit(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
	type named int16
	for _, value := range []any{int(-1), int8(-1), int16(-1), int32(-1), int64(-1), named(-1)} {
		check(t, pkg.Set("int", value))
		if got := must[int64](t)(pkg.Int("int")); got != -1 {
			t.Error(got)
		}
	}
	for _, value := range []any{uint(200), uint8(200), uint16(200), uint32(200), uint64(200), uintptr(200)} {
		check(t, pkg.Set("int", value))
		if got := must[int64](t)(pkg.Int("int")); got != 200 {
			t.Error(got)
		}
	}
	check(t, pkg.Set("int", uint64(math.MaxInt64)))
	if err := pkg.Set("int", uint64(math.MaxInt64)+1); !errors.Is(err, lovely.ErrRange) {
		t.Error(err)
	}
	if err := pkg.Set("list", []any{uint64(math.MaxUint64)}); !errors.Is(err, lovely.ErrRange) {
		t.Error(err)
	}
	check(t, pkg.Set("float", float32(0.5)))
	if got := must[float64](t)(pkg.Float("float")); got != 0.5 {
		t.Error(got)
	}
}

type unexported struct{ A int }

func TestWhatCannotBeAValueIsRefusedAndChangesNothing(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
	check(t, pkg.SetInt("key", 1))
	type loop []any
	cycle := loop{nil}
	cycle[0] = cycle
	type pointer *pointer
	var self pointer
	self = &self
	deep := any(int64(1))
	for range 65 {
		deep = []any{deep}
	}
	defer lovely.LimitPacked(1 << 20)()
	doubled := []any{strings.Repeat("x", 1<<10)}
	for range 40 {
		doubled = []any{doubled, doubled}
	}
	for name, refused := range map[string]struct {
		value any
		want  lovely.Status
	}{
		"function": {func() {}, lovely.ErrType}, "channel": {make(chan int), lovely.ErrType}, "complex": {1i, lovely.ErrType},
		"map by number": {map[int]int{}, lovely.ErrType}, "nothing exported": {struct{ a int }{1}, lovely.ErrType},
		"text that is no UTF-8": {"\xff", lovely.ErrArgument}, "such text inside": {[]any{"\xff"}, lovely.ErrArgument},
		"such a key inside": {map[string]any{"\xff": 1}, lovely.ErrArgument},
		"a list in itself":  {cycle, lovely.ErrTooLarge}, "a pointer to itself": {self, lovely.ErrTooLarge},
		"nested too deep": {deep, lovely.ErrTooLarge}, "doubled 40 times": {doubled, lovely.ErrTooLarge},
		"an embedded time": {struct{ time.Time }{}, lovely.ErrType},
		"an embedded pointer that is not exported": {struct {
			*unexported
			B int
		}{&unexported{1}, 2}, lovely.ErrType},
	} {
		if err := pkg.Set("key", refused.value); !errors.Is(err, refused.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := pkg.SetInt("\xff", 1); !errors.Is(err, lovely.ErrArgument) {
		t.Error(err)
	}
	if err := pkg.Set(strings.Repeat("k", 65536), 1); !errors.Is(err, lovely.ErrTooLarge) {
		t.Error(err)
	}
	if got := must[map[string]any](t)(pkg.Content()); !reflect.DeepEqual(got, map[string]any{"key": int64(1)}) {
		t.Error(got)
	}
	check(t, pkg.Set("deep enough", deep.([]any)[0]))
	if got := must[any](t)(pkg.Get("deep enough")); !valuetest.Same(got, deep.([]any)[0]) {
		t.Error("it came back otherwise")
	}
}

func TestTooManyEntriesAreRefusedBeforeTheyAreWritten(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
	defer lovely.LimitPacked(1 << 20)()
	// They take no memory here, and a byte each where they are written.
	err := pkg.Set("key", make([]struct{}, 1<<24))
	if !errors.Is(err, lovely.ErrTooLarge) || !strings.Contains(err.Error(), "entries is over the limit of 1000000") {
		t.Error(err)
	}
}

func TestAnInterfaceThatIsNilComesBack(t *testing.T) {
	store := open(t, memoryURL())
	pkg := session(t, begin(t, store), container(t, store), "a").Pkg("cart")
	type failures struct{ Last error }
	check(t, pkg.Set("key", failures{}))
	if got := must[failures](t)(lovely.Get[failures](pkg, "key")); got.Last != nil {
		t.Error(got)
	}
}

func TestWhatWasReadIsACopy(t *testing.T) {
	store := open(t, memoryURL())
	visitors := container(t, store)
	txn := begin(t, store)
	pkg := session(t, txn, visitors, "a").Pkg("cart")
	list := []any{[]byte("abc")}
	check(t, pkg.Set("list", list))
	check(t, pkg.SetBytes("bytes", []byte("abc")))
	list[0].([]byte)[0] = 'x'
	must[[]byte](t)(pkg.Bytes("bytes"))[0] = 'x'
	must[any](t)(pkg.Get("list")).([]any)[0].([]byte)[0] = 'x'
	got := must[map[string]any](t)(pkg.Content())
	check(t, txn.Commit())
	if !reflect.DeepEqual(got, map[string]any{"list": []any{[]byte("abc")}, "bytes": []byte("abc")}) {
		t.Fatal(got)
	}
}
