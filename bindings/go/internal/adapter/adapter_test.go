package adapter

import (
	"bytes"
	"context"
	"encoding/gob"
	"math"
	"reflect"
	"runtime"
	"testing"
	"time"
	"weak"

	lovely "lovely.session/go"
)

type named string

type point struct{ X, Y int }

func init() {
	gob.Register(named(""))
	gob.Register(point{})
}

func TestAKeptValueSharesNothingWithWhatItWasMadeOf(t *testing.T) {
	for _, value := range []any{
		[]byte("abc"), []any{[]byte("abc")}, map[string]any{"a": []any{"b"}}, []string{"a"}, map[string]string{"a": "b"},
	} {
		kept, err := encode(value, 0)
		check(t, err)
		first, err := decode(kept)
		check(t, err)
		spoil(value)
		second, err := decode(kept)
		check(t, err)
		if !reflect.DeepEqual(first, second) {
			t.Errorf("%v became %v", first, second)
		}
		spoil(first)
		if third, err := decode(kept); err != nil || !reflect.DeepEqual(third, second) {
			t.Errorf("%v became %v", second, third)
		}
	}
}

// spoil changes a value in place.
func spoil(value any) {
	switch value := value.(type) {
	case []byte:
		value[0]++
	case []any:
		spoil(value[0])
		value[0] = "spoiled"
	case map[string]any:
		spoil(value["a"])
		value["a"] = "spoiled"
	case []string:
		value[0] = "spoiled"
	case map[string]string:
		value["a"] = "spoiled"
	}
}

func TestWhatLooksLikeAFormOfOursAndIsNoneIsAMap(t *testing.T) {
	for _, kept := range []map[string]any{
		{"go:int64": "text"}, {"go:int8": int64(200)}, {"go:uint": int64(-1)}, {"go:time": "yesterday"}, {"go:new": int64(1)},
		{"go:[]string": []any{int64(1)}}, {"go:map[string]string": map[string]any{"a": nil}}, {"go:float32": "x"},
		{"go:int64": int64(1), "other": int64(2)},
	} {
		value, err := decode(kept)
		check(t, err)
		if _, ok := value.(map[string]any); !ok {
			t.Errorf("%v is a %T", kept, value)
		}
		// Nothing is written if nothing changed.
		again, err := encodeOver(value, any(kept), true)
		check(t, err)
		if !same(again, kept) {
			t.Errorf("%v became %v", kept, again)
		}
	}
}

func TestEqualityIsStrictOnTypesAndComparesFloatsByTheirBits(t *testing.T) {
	values := []any{nil, true, int64(1), 1.0, "1", []byte("1"), []any{}, map[string]any{}, math.NaN(), 0.0, math.Copysign(0, -1),
		[]any{int64(1)}, []any{1.0}, map[string]any{"a": nil}, map[string]any{"b": nil}}
	for i, a := range values {
		for j, b := range values {
			if same(a, b) != (i == j) {
				t.Errorf("%v and %v: %v", a, b, same(a, b))
			}
		}
	}
}

func TestKeysOfAnyTypeComeBack(t *testing.T) {
	values := map[any]any{"text": 1, 5: 2, named("text"): 3, point{1, 2}: 4, 1.5: 5, true: 6, "\xff": 7, int64(5): 8}
	content, err := Pack(values, nil)
	check(t, err)
	again, err := unpack[any](&content)
	check(t, err)
	if !reflect.DeepEqual(values, again) {
		t.Errorf("%v came back as %v", values, again)
	}
	if len(content.kept[Named]) != 1 || len(content.kept[Odd]) != 7 {
		t.Errorf("%v", content)
	}
	if _, err := unpack[string](&content); err == nil {
		t.Error("numbers were read as text")
	}
	if _, err := Pack(map[any]any{make(chan int): 1}, nil); err == nil {
		t.Error("a channel is a key")
	}
}

func TestAnOddKeyKeepsTheNameThatItWasFoundUnder(t *testing.T) {
	before := Content{names: map[any]string{point{1, 2}: "by another process"}}
	before.kept[Odd] = map[string]any{"by another process": int64(1)}
	content, err := pack(map[any]any{point{1, 2}: 1}, &before)
	check(t, err)
	if !isSame(&before, &content) {
		t.Errorf("%v", content)
	}
}

func TestTheSameValueIsNoChangeWhateverItsOrderInGob(t *testing.T) {
	gob.Register(map[string]int{})
	value := map[string]int{"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6}
	before, err := encode([]any{value}, 0)
	check(t, err)
	for range 100 {
		again, err := encodeOver([]any{value}, before, true)
		check(t, err)
		if !same(before, again) {
			t.Fatal("it is a change")
		}
	}
	value["a"] = 7
	if again, err := encodeOver([]any{value}, before, true); err != nil || same(before, again) {
		t.Error("it is none")
	}
}

func FuzzBinary(f *testing.F) {
	content, err := Pack(map[string]any{
		"a": nil, "b": true, "c": false, "d": 1, "e": 1.5, "f": "text", "g": []byte{1}, "h": []any{1, "x"}, "i": map[string]any{"k": 1},
		"\xff": time.Unix(1, 2).UTC(),
	}, nil)
	check(f, err)
	f.Add(content.AppendBinary(nil))
	f.Add([]byte("m\x01\x01am\x00l\xff\xff\xff\xff\x0f"))
	f.Add(bytes.Repeat([]byte("l\x01"), 1000))
	f.Fuzz(func(t *testing.T, data []byte) {
		content, err := ParseBinary(data)
		if err != nil {
			return
		}
		again, err := ParseBinary(content.AppendBinary(nil))
		check(t, err)
		if !isSame(&content, &again) {
			t.Error("it came back changed")
		}
	})
}

func TestSomethingIsKeptBesideAnObjectAsLongAsThatLives(t *testing.T) {
	var beside Beside[byte, int]
	kept := map[string]any{"a": 1}
	beside.Put(OfMap(kept), 1)
	beside.Put(OfMap(kept), 2)
	for i := range 1000 {
		data := make([]byte, 64)
		beside.Put(OfBytes(data), i)
		if value, ok := beside.Get(OfBytes(data)); !ok || value != i {
			t.Fatalf("%d, %v", value, ok)
		}
		if _, ok := beside.Get(&data[1]); ok {
			t.Fatal("another object has it")
		}
	}
	for range 100 {
		runtime.GC()
		if beside.Len() == 1 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	if value, ok := beside.Get(OfMap(kept)); !ok || value != 2 || beside.Len() != 1 {
		t.Errorf("%d, %v, %d are kept", value, ok, beside.Len())
	}
	if _, ok := beside.Get(nil); ok {
		t.Error("nothing has something")
	}
	runtime.KeepAlive(kept)
}

func TestAContextThatLastsKeepsNoVisit(t *testing.T) {
	store, err := lovely.Open("memory://adapter-lasting")
	check(t, err)
	defer store.Close()
	visitors, err := store.Container("visitors")
	check(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	place := Place{visitors, "kept"}
	_, err = Create(ctx, place, "a", OpaqueContent([]byte("data")), Head{})
	check(t, err)
	visit, err := Open(ctx, place, "a")
	check(t, err)
	if visit.open == nil {
		t.Fatal("the transaction that loaded it has ended already")
	}
	known := weak.Make(visit)
	for range 100 {
		runtime.GC()
		if known.Value() == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Error("it is kept")
}

var global = []byte("not of the heap")

func TestAnyBytesMayBeLookedFor(t *testing.T) {
	var beside Beside[byte, int]
	beside.Put(OfBytes(make([]byte, 32)), 1)
	var local [16]byte
	for _, data := range [][]byte{global, local[:], nil, {}} {
		if _, ok := beside.Get(OfBytes(data)); ok {
			t.Error("it has something")
		}
	}
}

func TestADeadlineIsNeverEarlier(t *testing.T) {
	for _, nanos := range []int{0, 1, 999_999, 1_000_000, 1_000_001} {
		given := time.Date(2026, 1, 2, 3, 4, 5, nanos, time.FixedZone("", 3600))
		rounded := RoundUp(given)
		if rounded.Before(given) || rounded.Sub(given) >= time.Millisecond || rounded != RoundUp(rounded) {
			t.Errorf("%v became %v", given, rounded)
		}
		if again := RoundUp(time.UnixMilli(rounded.UnixMilli())); again != rounded {
			t.Errorf("%v came back as %v", rounded, again)
		}
	}
	if now := time.Now(); RoundUp(now) != RoundUp(time.UnixMilli(RoundUp(now).UnixMilli())) {
		t.Error("the clock that does not jump is in it")
	}
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
