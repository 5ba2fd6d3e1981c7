package scsstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	"lovely.session/go/internal/adapter"
)

// What scs hands back between Find and Commit are its own bytes and maps, and beside them stands what they are of.
var (
	// found has what Find's bytes were loaded from.
	found adapter.Beside[byte, *adapter.Visit]
	// origins has where the values of a request come from.
	origins adapter.Beside[byte, *origin]
	// changes has what the bytes for Commit are to store.
	changes adapter.Beside[byte, *change]
)

// origin is what the values of a request come from, and what they were last stored as; nothing at first for those that
// were made by the request.
type origin struct {
	mutex sync.Mutex
	visit *adapter.Visit
	// before has the values as they were decoded by another codec than ours, for a first comparison: what values lead to
	// may have been changed in place.
	before map[string]any
}

func (o *origin) get() *adapter.Visit {
	visit, _ := o.both()
	return visit
}

func (o *origin) both() (*adapter.Visit, map[string]any) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	return o.visit, o.before
}

// set notes that the values were stored.
func (o *origin) set(visit *adapter.Visit) {
	o.mutex.Lock()
	o.visit, o.before = visit, nil
	o.mutex.Unlock()
}

// originOf finds the origin of values, or notes that they are the request's own.
func originOf(values map[string]any) *origin {
	object := adapter.OfMap(values)
	if object == nil {
		return &origin{}
	}
	known, ok := origins.Get(object)
	if !ok {
		known = &origin{}
		origins.Put(object, known)
	}
	return known
}

// loaded notes that values were decoded from bytes.
func loaded(values, before map[string]any, data []byte) {
	if visit, ok := found.Get(adapter.OfBytes(data)); ok && values != nil {
		origins.Put(adapter.OfMap(values), &origin{visit: visit, before: before})
	}
}

// change is what a commit stores.
type change struct {
	origin   *origin
	content  adapter.Content
	deadline time.Time
}

// note keeps the change beside the bytes that scs takes to Commit.
func (c *change) note(data []byte) {
	if object := adapter.OfBytes(data); object != nil {
		changes.Put(object, c)
	}
}

// Codec is an scs.Codec that keeps each key of a session for itself, so that requests that change different keys are merged.
// It is for use with a [Store]; its zero value is ready.
type Codec struct{}

var _ scs.Codec = Codec{}

// Encode makes bytes of a session's deadline and values.
func (Codec) Encode(deadline time.Time, values map[string]any) ([]byte, error) {
	change := &change{origin: originOf(values), deadline: deadline}
	var err error
	if change.content, err = adapter.Pack(values, change.origin.get()); err != nil {
		return nil, err
	}
	data := encode(deadline, change.content)
	change.note(data)
	return data, nil
}

// Decode reads what Encode made, or scs's own codec.
func (Codec) Decode(data []byte) (time.Time, map[string]any, error) {
	if !isEncoded(data) {
		deadline, values, err := scs.GobCodec{}.Decode(data)
		if err == nil {
			loaded(values, nil, data)
		}
		return deadline, values, err
	}
	if visit, ok := found.Get(adapter.OfBytes(data)); ok {
		values, err := adapter.Values[string](visit)
		if err != nil {
			return time.Time{}, nil, err
		}
		loaded(values, nil, data)
		return visit.Head().Deadline, values, nil
	}
	deadline, content, err := parse(data)
	if err != nil {
		return time.Time{}, nil, err
	}
	values, err := adapter.UnpackContent[string](content)
	if err != nil {
		return time.Time{}, nil, err
	}
	return deadline, values, nil
}

// The bytes of a session are this, its deadline in seconds and nanoseconds, and its content.
const magic = "lovely-session scs 1\n"

var errCodec = errors.New("scsstore: the bytes of a session cannot be read")

func isEncoded(data []byte) bool { return bytes.HasPrefix(data, []byte(magic)) }

func encode(deadline time.Time, content adapter.Content) []byte {
	out := append(make([]byte, 0, len(magic)+12+content.Size()), magic...)
	out = binary.LittleEndian.AppendUint64(out, uint64(deadline.Unix()))
	out = binary.LittleEndian.AppendUint32(out, uint32(deadline.Nanosecond()))
	return content.AppendBinary(out)
}

func parse(data []byte) (time.Time, adapter.Content, error) {
	rest := data[len(magic):]
	if len(rest) < 12 {
		return time.Time{}, adapter.Content{}, errCodec
	}
	seconds, nanos := int64(binary.LittleEndian.Uint64(rest)), binary.LittleEndian.Uint32(rest[8:])
	content, err := adapter.ParseBinary(rest[12:])
	if err != nil {
		return time.Time{}, adapter.Content{}, errCodec
	}
	return time.Unix(seconds, int64(nanos)).UTC(), content, nil
}
