package gorillastore

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/securecookie"
	"github.com/gorilla/sessions"
	lovely "lovely.session/go"
	"lovely.session/go/internal/adapter"
)

// Store is a sessions.Store. Make one by [New].
type Store struct {
	// Codecs sign, and encrypt, the id in the cookie. The first one writes; all of them read, which is how keys are changed.
	Codecs []securecookie.Codec
	// Options are those of a session that has none of its own.
	Options *sessions.Options
	// Package is the name of the package that has the values under text; "gorilla" if it is not set. Set it before the
	// first use.
	Package string

	container *lovely.Container

	mutex sync.Mutex
	// longest is the longest MaxAge that the container was told; -1 before it was asked.
	longest int
	// forever tells whether sessions of the container never end for being idle; then none has a timeout of its own.
	forever bool
}

var _ sessions.Store = (*Store)(nil)

// New makes a store that keeps sessions in a container. Key pairs are those of securecookie: a key to sign with, of 32 or 64
// bytes, and one to encrypt with, of 16, 24 or 32 bytes or nil; more pairs are older ones, which are still read.
//
// The container's timeout is that of sessions without a MaxAge: give it before. Its policy becomes [lovely.Mine]; configure it afterwards to have another one.
func New(container *lovely.Container, keyPairs ...[]byte) *Store {
	codecs := securecookie.CodecsFromPairs(keyPairs...)
	for _, codec := range codecs {
		if cookie, ok := codec.(*securecookie.SecureCookie); ok {
			cookie.SetSerializer(idSerializer{})
		}
	}
	store := &Store{
		Codecs: codecs,
		Options: &sessions.Options{
			Path:     "/",
			MaxAge:   30 * 24 * 60 * 60,
			HttpOnly: true,
			SameSite: http.SameSiteLaxMode,
		},
		container: container,
		longest:   -1,
	}
	store.MaxAge(store.Options.MaxAge)
	// What is refused is refused again by the first call that asks the store, which can say so.
	_ = container.Configure(lovely.WithPolicy(lovely.Mine))
	_, _ = store.timeout(store.Options.MaxAge)
	return store
}

// idSerializer writes an id as it is, which costs less than its gob.
type idSerializer struct{}

func (idSerializer) Serialize(id any) ([]byte, error) {
	text, ok := id.(string)
	if !ok {
		return nil, fmt.Errorf("gorillastore: a %T is no id", id)
	}
	return []byte(text), nil
}

func (idSerializer) Deserialize(data []byte, id any) error {
	text, ok := id.(*string)
	if !ok {
		return fmt.Errorf("gorillastore: a %T takes no id", id)
	}
	*text = string(data)
	return nil
}

// MaxAge sets, in seconds, how long sessions and their cookies last that have no age of their own, and how old a cookie may
// be to be read.
func (s *Store) MaxAge(age int) {
	s.Options.MaxAge = age
	for _, codec := range s.Codecs {
		if cookie, ok := codec.(*securecookie.SecureCookie); ok {
			cookie.MaxAge(age)
		}
	}
}

// MaxLength sets how long the value of a cookie may be; 4096 bytes if it is not called. What a session holds is not in
// it.
func (s *Store) MaxLength(length int) {
	for _, codec := range s.Codecs {
		if cookie, ok := codec.(*securecookie.SecureCookie); ok {
			cookie.MaxLength(length)
		}
	}
}

// timeout lets sessions of the container live as long as a MaxAge, and returns the timeout of their own that it is; 0 if
// the container's counts.
func (s *Store) timeout(age int) (time.Duration, error) {
	age = max(age, 0)
	timeout := time.Duration(min(int64(age), longestAge)) * time.Second
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if age > s.longest {
		config, err := s.container.Config()
		if err != nil {
			return 0, err
		}
		s.forever = config.MaxTimeout == 0
		if !s.forever && config.MaxTimeout < timeout {
			if err := s.container.Configure(lovely.WithMaxTimeout(timeout)); err != nil {
				return 0, err
			}
		}
		s.longest = age
	}
	if s.forever {
		return 0, nil
	}
	return timeout, nil
}

// longestAge is as many seconds as a Duration can be.
const longestAge = math.MaxInt64 / int64(time.Second)

func (s *Store) place() adapter.Place {
	if s.Package == "" {
		return adapter.Place{Container: s.container, Package: "gorilla"}
	}
	return adapter.Place{Container: s.container, Package: s.Package}
}

// Get returns the session of that name of the request: the same one each time.
func (s *Store) Get(r *http.Request, name string) (*sessions.Session, error) {
	return sessions.GetRegistry(r).Get(s, name)
}

// New loads the session of that name of the request. It is new if there is no cookie, if its session has ended, and, with an
// error, if the cookie cannot be read: a session that can be used and saved. If the server does not answer that is an
// error too, and saving answers it again.
func (s *Store) New(r *http.Request, name string) (*sessions.Session, error) {
	session := sessions.NewSession(s, name)
	options := *s.Options
	session.Options = &options
	session.IsNew = true
	cookie, err := r.Cookie(name)
	if err != nil {
		return session, nil
	}
	var id string
	if err := securecookie.DecodeMulti(name, cookie.Value, &id, s.Codecs...); err != nil {
		return session, err
	}
	visit, values, err := s.load(r.Context(), id)
	if err != nil {
		states.Put(session, &state{id: id, failure: err})
		return session, err
	}
	if visit != nil {
		session.ID, session.Values, session.IsNew = id, values, false
		states.Put(session, &state{id: id, visit: visit})
	}
	return session, nil
}

func (s *Store) load(ctx context.Context, id string) (*adapter.Visit, map[any]any, error) {
	if _, err := s.timeout(s.Options.MaxAge); err != nil {
		return nil, nil, err
	}
	visit, err := adapter.Open(ctx, s.place(), id)
	if err != nil || visit == nil {
		return nil, nil, err
	}
	values, err := adapter.Values[any](visit)
	if err != nil {
		visit.Leave()
		return nil, nil, err
	}
	return visit, values, nil
}

// Save stores what the request changed in a session, and sets the cookie. With a MaxAge below 0 it destroys the session, and
// the cookie; the session can then be saved again, as another one. An ID that was set to "" gives the session a new id, which
// is for sign-in: its content stays, and the old id is destroyed.
//
// After an error no cookie is set.
func (s *Store) Save(r *http.Request, w http.ResponseWriter, session *sessions.Session) error {
	if session.Options == nil {
		options := *s.Options
		session.Options = &options
	}
	if session.Options.MaxAge < 0 {
		return s.destroy(r.Context(), w, session)
	}
	if err := s.save(r.Context(), session); err != nil {
		return err
	}
	encoded, err := securecookie.EncodeMulti(session.Name(), session.ID, s.Codecs...)
	if err != nil {
		return err
	}
	http.SetCookie(w, sessions.NewCookie(session.Name(), encoded, session.Options))
	return nil
}

func (s *Store) destroy(ctx context.Context, w http.ResponseWriter, session *sessions.Session) error {
	id := session.ID
	if known, ok := states.Get(session); ok {
		id = known.id
	}
	if err := adapter.Destroy(ctx, s.place(), id); err != nil {
		return err
	}
	session.ID = ""
	states.Put(session, &state{})
	http.SetCookie(w, sessions.NewCookie(session.Name(), "", session.Options))
	return nil
}

// states has what is known of the sessions of requests.
var states adapter.Beside[sessions.Session, *state]

// state is what is known of a session of a request.
type state struct {
	// visit is what was loaded, or saved last; nil if nothing was.
	visit *adapter.Visit
	// id is what visit is of, or what could not be loaded.
	id string
	// failure is why it could not be.
	failure error
}

func (s *Store) save(ctx context.Context, session *sessions.Session) error {
	known, ok := states.Get(session)
	if !ok {
		known = &state{}
	}
	if known.failure != nil {
		return fmt.Errorf("the session was not loaded: %w", known.failure)
	}
	content, err := adapter.Pack(session.Values, known.visit)
	if err != nil {
		return err
	}
	var head adapter.Head
	if known.visit != nil {
		// A deadline that another program gave it stays.
		head.Deadline = known.visit.Head().Deadline
	}
	if head.Timeout, err = s.timeout(session.Options.MaxAge); err != nil {
		return err
	}
	switch {
	case known.visit == nil || session.ID != "" && session.ID != known.id:
		visit, err := adapter.Create(ctx, s.place(), session.ID, content, head)
		if err != nil {
			return err
		}
		known = &state{visit: visit}
	case session.ID == "":
		if err := known.visit.Renew(ctx, content, head); err != nil {
			return err
		}
	default:
		return known.visit.Save(ctx, content, head)
	}
	known.id = known.visit.ID()
	session.ID = known.id
	states.Put(session, known)
	return nil
}
