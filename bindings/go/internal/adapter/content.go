package adapter

import (
	"bytes"
	"encoding/base64"
	"encoding/gob"
	"fmt"
	"unicode/utf8"
)

// Kind says which package of a session a value is in.
type Kind int

const (
	// Named values have a key that is UTF-8 text, and stand under it in the package that the store names.
	Named Kind = iota
	// Odd values have any other key. They stand under its gob, as base64 for URLs, in the package with ":keys" behind its name.
	Odd
	// Opaque is what somebody else encoded as a whole, under the key [OpaqueKey] in the package with ":opaque" behind its name.
	Opaque
	kinds
)

// OpaqueKey is the key of what is opaque.
const OpaqueKey = "data"

func (k Kind) name(name string) string {
	return name + [...]string{"", ":keys", ":opaque"}[k]
}

// Content is what a session keeps for another package, by kind and key, in the forms of encode. It is not changed once
// it is made.
type Content struct {
	kept [kinds]map[string]any
	// names has the names of keys that are [Odd], as they were found: they are not the same in each process.
	names map[any]string
}

// OpaqueContent is the content that is nothing but bytes, which are not to be changed any more.
func OpaqueContent(data []byte) Content {
	var content Content
	content.kept[Opaque] = map[string]any{OpaqueKey: data}
	return content
}

// Opaque returns the bytes of what is opaque, which are not to be changed.
func (c *Content) Opaque() ([]byte, bool) {
	data, ok := c.kept[Opaque][OpaqueKey].([]byte)
	return data, ok
}

// UnpackContent makes the values that a content keeps.
func UnpackContent[K comparable](c Content) (map[K]any, error) { return unpack[K](&c) }

// Values makes the values that a session had when it was loaded, or last saved. They share nothing with what is known of it.
func Values[K comparable](v *Visit) (map[K]any, error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return unpack[K](&v.content)
}

// Pack makes the content that keeps values. Visit is where they come from, nil if from nowhere: what is the same there is
// taken from it.
func Pack[K comparable](values map[K]any, visit *Visit) (Content, error) {
	if visit == nil {
		return pack(values, nil)
	}
	visit.mutex.Lock()
	defer visit.mutex.Unlock()
	return pack(values, &visit.content)
}

func pack[K comparable](values map[K]any, before *Content) (Content, error) {
	var content Content
	content.kept[Named] = make(map[string]any, len(values))
	for key, value := range values {
		kind, name, err := content.place(any(key), before)
		if err != nil {
			return Content{}, err
		}
		var old any
		var hasOld bool
		if before != nil {
			old, hasOld = before.kept[kind][name]
		}
		kept, err := encodeOver(value, old, hasOld)
		if err != nil {
			return Content{}, err
		}
		content.kept[kind][name] = kept
	}
	return content, nil
}

// place finds where the value of a key goes.
func (c *Content) place(key any, before *Content) (Kind, string, error) {
	if text, ok := key.(string); ok && utf8.ValidString(text) {
		return Named, text, nil
	}
	name, ok := "", false
	if before != nil {
		name, ok = before.names[key]
	}
	if !ok {
		var out bytes.Buffer
		if err := gob.NewEncoder(&out).Encode(&key); err != nil {
			return Odd, "", fmt.Errorf("a key of type %T cannot be stored: %w", key, err)
		}
		name = base64.RawURLEncoding.EncodeToString(out.Bytes())
	}
	if c.kept[Odd] == nil {
		c.kept[Odd], c.names = map[string]any{}, map[any]string{}
	}
	c.names[key] = name
	return Odd, name, nil
}

func unpack[K comparable](c *Content) (map[K]any, error) {
	values := make(map[K]any, len(c.kept[Named])+len(c.kept[Odd]))
	for name, kept := range c.kept[Named] {
		if err := unpackInto(values, any(name), kept); err != nil {
			return nil, err
		}
	}
	for name, kept := range c.kept[Odd] {
		encoded, err := base64.RawURLEncoding.DecodeString(name)
		if err != nil {
			return nil, fmt.Errorf("a stored key cannot be read: %w", err)
		}
		key, err := decodeGob(encoded)
		if err != nil {
			return nil, err
		}
		if err := unpackInto(values, key, kept); err != nil {
			return nil, err
		}
		if c.names == nil {
			c.names = map[any]string{}
		}
		c.names[key] = name
	}
	return values, nil
}

func unpackInto[K comparable](values map[K]any, key any, kept any) error {
	k, ok := key.(K)
	if !ok {
		return fmt.Errorf("a stored key of type %T cannot be read here", key)
	}
	value, err := decode(kept)
	if err == nil {
		values[k] = value
	}
	return err
}
