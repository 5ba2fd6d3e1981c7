package middleware

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	lovely "lovely.session/go"
)

// Flash is a message for the visitor's next page.
type Flash struct {
	// Kind is what [Session.AddFlash] was told, such as "error".
	Kind string
	// Value is the message.
	Value any
}

// flashPkg is the package of the messages. Each has a key of its own, so that none is lost when requests add some at the same
// time: its kind, a slash, and when it was added: in Unix milliseconds, and which of its request it is. The rest is random.
const (
	flashPkg    = "flash"
	flashSuffix = 1 + 12 + 4 + 8
)

// AddFlash leaves a message of a kind for the next page that asks for it.
func (s *Session) AddFlash(kind string, value any) error {
	_, err := write(s.Pkg(flashPkg), func(pkg lovely.Pkg) (struct{}, error) {
		s.flashes++
		key := fmt.Sprintf("%s/%012x%04x%08x", kind, s.manager.now().UnixMilli(), s.flashes&0xffff, rand.Uint32())
		return struct{}{}, pkg.Set(key, value)
	})
	return err
}

// Flashes takes the messages of some kinds out of the session, or all if none is named, in the order in which they were
// added. A message is read once: only when two requests ask at the same time, both get it. None is lost.
func (s *Session) Flashes(kinds ...string) ([]Flash, error) {
	isWanted := func(key string) bool {
		kind, ok := flashKind(key)
		return ok && (len(kinds) == 0 || slices.Contains(kinds, kind))
	}
	pkg := s.Pkg(flashPkg)
	// Only who finds some changes the session.
	keys, err := pkg.Keys()
	if err != nil || !slices.ContainsFunc(keys, isWanted) {
		return nil, err
	}
	return write(pkg, func(pkg lovely.Pkg) ([]Flash, error) { return takeFlashes(pkg, isWanted) })
}

func takeFlashes(pkg lovely.Pkg, isWanted func(key string) bool) ([]Flash, error) {
	keys, err := pkg.Keys()
	if err != nil {
		return nil, err
	}
	keys = slices.DeleteFunc(keys, func(key string) bool { return !isWanted(key) })
	slices.SortFunc(keys, func(a, b string) int {
		return strings.Compare(a[len(a)-flashSuffix:], b[len(b)-flashSuffix:])
	})
	flashes := make([]Flash, 0, len(keys))
	for _, key := range keys {
		value, err := pkg.Get(key)
		if err != nil {
			return nil, err
		}
		if _, err := pkg.Delete(key); err != nil {
			return nil, err
		}
		kind, _ := flashKind(key)
		flashes = append(flashes, Flash{kind, value})
	}
	return flashes, nil
}

// flashKind returns the kind of the message that stands under a key, if one does.
func flashKind(key string) (string, bool) {
	at := len(key) - flashSuffix
	if at < 0 || key[at] != '/' {
		return "", false
	}
	return key[:at], true
}
