package middleware

import (
	"context"
	"errors"
	"net/http"
	"sync"

	lovely "lovely.session/go"
)

// Session is the session of a request's visitor, opened when it is first touched. It has the methods of [Pkg], on the package
// that [WithPackage] names, but for Clear.
//
// It is safe for use by several goroutines of the request, and ends with it. After the first byte of the response it can
// still be read; changing it answers [lovely.ErrMisuse]. If it cannot be opened, every method answers why, and asks the
// store no more in this request.
type Session struct {
	defaultPkg

	manager *Manager
	request *http.Request

	// mutex guards the rest.
	mutex sync.Mutex
	stage stage
	// isTouched tells whether somebody asked for it; err is why it could not be opened.
	isTouched bool
	err       error

	txn    *lovely.Txn
	cancel context.CancelFunc
	// stored is the visitor's session while has is true, and id what it was found under; "" if this request made it.
	isLooked, has bool
	stored        lovely.Session
	id            string
	// later is what a look after the commit looks for, in place of the cookies.
	later    []string
	hasLater bool
	// What the commit has to do: something may have been changed, the session was handed out, one was destroyed.
	isChanged, isLent, isDestroyed bool

	pkgs handles
	// flashes counts the messages that were added.
	flashes int
	// nothing is what a visitor without a session reads.
	nothing emptySession
}

// defaultPkg makes the methods of Pkg those of Session.
type defaultPkg = Pkg

// stage is what a session takes: everything at first.
type stage int

const (
	// begun is when the response is on its way: only reads.
	begun stage = iota + 1
	// over takes nothing.
	over
)

// Pkg returns a package of the session. It is there whether or not something is stored in it, and asks nobody until it is used.
func (s *Session) Pkg(name string) Pkg { return Pkg{s, name} }

// Pkgs returns the names of the packages that have a key or were stored, sorted by their bytes.
func (s *Session) Pkgs() ([]string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.look(); err != nil || !s.has {
		return nil, err
	}
	return s.stored.Pkgs()
}

// Exists tells whether the visitor has a session, one that this request made included.
func (s *Session) Exists() (bool, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	err := s.look()
	return err == nil && s.has, err
}

// ID returns the id that the session will have after the response; [lovely.ErrNotFound] if the visitor has none.
func (s *Session) ID() (string, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.look(); err != nil {
		return "", err
	}
	if !s.has {
		return "", lovely.ErrNotFound
	}
	return s.stored.ID()
}

// Peek hands out the session as it is stored, for what this type has no methods for; [lovely.ErrNotFound] if the visitor has
// none. See [Session.Open].
func (s *Session) Peek() (lovely.Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.changeable(); err != nil {
		return lovely.Session{}, err
	}
	if err := s.look(); err != nil {
		return lovely.Session{}, err
	}
	if !s.has {
		return lovely.Session{}, lovely.ErrNotFound
	}
	s.isLent, s.isChanged = true, true
	return s.stored, nil
}

// Open hands out the session for all that a [lovely.Session] can do, and makes one if the visitor has none; that is stored even if
// it stays empty. Its transaction can open more sessions, and has savepoints; ending it is the middleware's affair. An id that
// it is given has to be one that a cookie can carry, of 128 bytes at most.
//
// What is handed out ends when the response begins, and is for one goroutine at a time.
func (s *Session) Open() (lovely.Session, error) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.change(); err != nil {
		return lovely.Session{}, err
	}
	s.isLent = true
	return s.stored, nil
}

// Renew gives the session a new id, which the cookie gets with the response. Its content stays, and the old id is destroyed. Call it
// at sign-in, against session fixation. A session that this request made has a new one already.
func (s *Session) Renew() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.look(); err != nil {
		return err
	}
	if err := s.changeable(); err != nil || !s.has || s.id == "" {
		return err
	}
	s.isChanged = true
	return s.stored.Renew()
}

// Destroy destroys the session, and takes the cookie away: for signing out. It need not be opened for that, nor be readable. What is
// set after it goes to a new session.
func (s *Session) Destroy() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.changeable(); err != nil {
		return err
	}
	var err error
	switch {
	case s.isUnstored():
		s.drop()
	case s.has:
		err = s.stored.Destroy()
	case !s.isLooked || s.err != nil:
		err = s.destroyUnseen()
	}
	if err != nil {
		return err
	}
	s.isTouched, s.isLooked, s.err = true, true, nil
	s.isChanged, s.isDestroyed = true, true
	s.leave()
	return nil
}

// isUnstored tells whether there is nothing but a session that this request made.
func (s *Session) isUnstored() bool { return s.has && s.id == "" && !s.isLent && !s.isDestroyed }

// destroyUnseen destroys whatever the cookies name.
func (s *Session) destroyUnseen() error {
	for _, id := range s.manager.ids(s.request) {
		if err := s.begin(); err != nil {
			return err
		}
		if err := s.txn.Destroy(s.manager.container, id); err != nil {
			return err
		}
	}
	return nil
}

// Clear deletes all packages of the session. The session stays.
func (s *Session) Clear() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.look(); err != nil {
		return err
	}
	if err := s.changeable(); err != nil || !s.has {
		return err
	}
	s.isChanged = true
	return s.stored.Clear()
}

// Abort drops what this request changed so far, and forgets that the session could not be opened. What is touched from now on is
// opened anew.
func (s *Session) Abort() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if err := s.changeable(); err != nil {
		return err
	}
	s.drop()
	s.err, s.isLooked = nil, false
	s.isChanged, s.isLent, s.isDestroyed = false, false, false
	return nil
}

// changeable tells whether the session takes changes.
func (s *Session) changeable() error {
	switch s.stage {
	case begun:
		return misuse("the response has begun, and the session was stored before it: it can only be read")
	case over:
		return misuse("the session is that of no request, or of one that is over")
	}
	return nil
}

// look opens the visitor's session, once; has tells whether there is one. The caller holds the mutex, as for all below.
func (s *Session) look() error {
	switch {
	case s.stage == over:
		return s.changeable()
	case s.err != nil:
		return s.err
	case s.isLooked:
		return nil
	}
	s.isTouched, s.isLooked = true, true
	ids := s.later
	if !s.hasLater {
		ids = s.manager.ids(s.request)
	}
	for _, id := range ids {
		if s.err = s.open(id); s.err != nil || s.has {
			return s.err
		}
	}
	return nil
}

func (s *Session) open(id string) error {
	if err := s.begin(); err != nil {
		return err
	}
	stored, err := s.txn.Session(s.manager.container, id)
	if err != nil {
		return err
	}
	// Nothing is stored under an id that is not known: whoever planted it would know it too.
	if s.has = !stored.IsNew(); s.has {
		s.stored, s.id = stored, id
	}
	return nil
}

// change makes sure that there is a session to be changed.
func (s *Session) change() error {
	if err := s.changeable(); err != nil {
		return err
	}
	if err := s.look(); err != nil {
		return err
	}
	if !s.has {
		if err := s.begin(); err != nil {
			return err
		}
		stored, err := s.txn.NewSession(s.manager.container)
		if err != nil {
			return err
		}
		s.has, s.stored, s.id = true, stored, ""
	}
	s.isChanged = true
	return nil
}

// begin begins the request's transaction, if there is none.
//
// A handler that has done its work has done it for a client that went away meanwhile, too; but when the time is over that it was
// given, its client has been told so.
func (s *Session) begin() error {
	if s.txn != nil {
		return nil
	}
	ctx, cancel := s.context()
	txn, err := s.manager.container.Store().Begin(ctx)
	if err != nil {
		cancel()
		return err
	}
	s.txn, s.cancel = txn, cancel
	return nil
}

func (s *Session) context() (context.Context, context.CancelFunc) {
	ctx := s.request.Context()
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(context.WithoutCancel(ctx), deadline)
	}
	return context.WithoutCancel(ctx), func() {}
}

// leave forgets the session that was open; its transaction goes on.
func (s *Session) leave() {
	s.has, s.stored, s.id = false, lovely.Session{}, ""
	s.pkgs = handles{}
}

// drop ends the transaction.
func (s *Session) drop() {
	s.leave()
	if s.txn != nil {
		_ = s.txn.Abort()
		s.cancel()
		s.txn = nil
	}
}

// end ends everything, when the handler has returned or panicked.
func (s *Session) end() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stage = over
	s.drop()
	s.nothing.end()
}

// isGone tells whether an error says that the session is there no more.
func isGone(err error) bool { return errors.Is(err, lovely.ErrGone) }
