package scsstore

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/alexedwards/scs/v2"
	lovely "lovely.session/go"
	"lovely.session/go/internal/adapter"
)

// ErrNotIterable is what Iterate answers: memcached cannot list what it holds, and a list of what this process has seen
// would leave sessions out without a word.
var ErrNotIterable = errors.New("scsstore: the sessions of a store cannot be listed")

// Store is a store for an scs.SessionManager. Make one by [New].
type Store struct {
	// Package is the name of the package that has the keys of a session; "scs" if it is not set. Set it before the first use.
	Package string

	container *lovely.Container
	manager   *scs.SessionManager

	mutex sync.Mutex
	// timeout is the container's as far as the manager said.
	timeout time.Duration
}

var (
	_ scs.CtxStore         = (*Store)(nil)
	_ scs.IterableStore    = (*Store)(nil)
	_ scs.IterableCtxStore = (*Store)(nil)
)

// New makes the store of a manager, in a container that is for it alone. The manager's IdleTimeout becomes the container's
// timeout, now and whenever it is changed, and the container's policy becomes [lovely.Mine]; configure it afterwards to have
// another one.
//
// A codec that the manager has is wrapped, so that the store knows what a request had loaded. Set another one before, or
// [Codec] at any time. A codec that is set later hides that: then a request that changed nothing wins too.
func New(container *lovely.Container, manager *scs.SessionManager) *Store {
	store := &Store{container: container, manager: manager, timeout: -1}
	switch codec := manager.Codec.(type) {
	case nil, Codec, *Codec, watched:
	default:
		manager.Codec = watched{codec}
	}
	// What is refused is refused again by the first call that asks the store, which can say so.
	_ = container.Configure(lovely.WithPolicy(lovely.Mine))
	_ = store.follow()
	return store
}

// idle is the manager's idle timeout, 0 if it has none.
func (s *Store) idle() time.Duration { return max(s.manager.IdleTimeout, 0) }

// follow gives the container the timeout that the manager has by now.
func (s *Store) follow() error {
	idle := s.idle()
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if idle == s.timeout {
		return nil
	}
	// The longest timeout follows by itself, unless somebody set it, to less.
	if s.container.Configure(lovely.WithTimeout(idle)) != nil {
		if err := s.container.Configure(lovely.WithTimeout(idle), lovely.WithMaxTimeout(idle)); err != nil {
			return err
		}
	}
	s.timeout = idle
	return nil
}

func (s *Store) place() adapter.Place {
	if s.Package == "" {
		return adapter.Place{Container: s.container, Package: "scs"}
	}
	return adapter.Place{Container: s.container, Package: s.Package}
}

// Find is [Store.FindCtx] without a context.
func (s *Store) Find(token string) ([]byte, bool, error) {
	return s.FindCtx(context.Background(), token)
}

// FindCtx loads a session, which renews its idle timeout.
func (s *Store) FindCtx(ctx context.Context, token string) ([]byte, bool, error) {
	if err := s.follow(); err != nil {
		return nil, false, err
	}
	visit, err := adapter.Open(ctx, s.place(), token)
	if err != nil || visit == nil {
		return nil, false, err
	}
	data, err := s.encoded(visit)
	if err != nil {
		visit.Leave()
		return nil, false, err
	}
	if object := adapter.OfBytes(data); object != nil {
		found.Put(object, visit)
	}
	return data, true, nil
}

// encoded makes the bytes for the manager's codec.
func (s *Store) encoded(visit *adapter.Visit) ([]byte, error) {
	content, deadline := visit.Content(), visit.Head().Deadline
	if data, ok := content.Opaque(); ok {
		return append(make([]byte, 0, len(data)), data...), nil
	}
	switch s.manager.Codec.(type) {
	case nil, Codec, *Codec:
		return encode(deadline, content), nil
	}
	values, err := adapter.Values[string](visit)
	if err != nil {
		return nil, err
	}
	return s.manager.Codec.Encode(deadline, values)
}

// Commit is [Store.CommitCtx] without a context.
func (s *Store) Commit(token string, data []byte, expiry time.Time) error {
	return s.CommitCtx(context.Background(), token, data, expiry)
}

// CommitCtx stores a session: what the request changed, if it is known what it had loaded.
func (s *Store) CommitCtx(ctx context.Context, token string, data []byte, expiry time.Time) error {
	if err := s.follow(); err != nil {
		return err
	}
	now := time.Now()
	if !expiry.After(now) {
		return s.DeleteCtx(ctx, token)
	}
	if token == "" {
		return &lovely.Error{Status: lovely.ErrArgument, Message: "the token is empty"}
	}
	change, ok := changes.Get(adapter.OfBytes(data))
	if !ok {
		var err error
		if change, err = s.foreign(data); err != nil {
			return err
		}
	}
	head := adapter.Head{Deadline: s.deadline(now, change.deadline, expiry)}
	visit := change.origin.get()
	var err error
	if visit != nil && visit.ID() == token {
		err = visit.Save(ctx, change.content, head)
	} else {
		visit, err = adapter.Create(ctx, s.place(), token, change.content, head)
	}
	if err == nil {
		change.origin.set(visit)
	}
	return err
}

// foreign is the change that bytes are that no codec of this package has made just now.
func (s *Store) foreign(data []byte) (*change, error) {
	change := &change{origin: &origin{}}
	var err error
	if isEncoded(data) {
		change.deadline, change.content, err = parse(data)
		return change, err
	}
	change.content = adapter.OpaqueContent(append(make([]byte, 0, len(data)), data...))
	if s.idle() > 0 && s.manager.Codec != nil {
		if deadline, _, err := s.manager.Codec.Decode(data); err == nil {
			change.deadline = deadline
		}
	}
	return change, nil
}

// deadline tells when a session ends, however much it is used. With an idle timeout scs gives the earlier of the two ends
// as the expiry; the idle one is the container's business.
func (s *Store) deadline(now, known, expiry time.Time) time.Time {
	if idle := s.idle(); idle > 0 {
		// The expiry was computed a moment ago.
		if expiry.After(now.Add(idle - min(idle/2, time.Minute))) {
			if known.IsZero() {
				return time.Time{}
			}
			return adapter.RoundUp(known)
		}
	}
	return adapter.RoundUp(expiry)
}

// Delete is [Store.DeleteCtx] without a context.
func (s *Store) Delete(token string) error { return s.DeleteCtx(context.Background(), token) }

// DeleteCtx destroys a session, so that it stays destroyed.
func (s *Store) DeleteCtx(ctx context.Context, token string) error {
	return adapter.Destroy(ctx, s.place(), token)
}

// All answers [ErrNotIterable], and so does the manager's Iterate.
func (s *Store) All() (map[string][]byte, error) { return map[string][]byte{}, ErrNotIterable }

// AllCtx answers [ErrNotIterable], and so does the manager's Iterate.
func (s *Store) AllCtx(context.Context) (map[string][]byte, error) { return s.All() }
