package middleware

import (
	"context"
	"net/http"

	lovely "lovely.session/go"
)

// store stores what the request changed, before the head of the response leaves, and puts the cookie into it. From now on the
// session can only be read.
func (s *Session) store(status int, header http.Header) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.stage = begun
	if !s.isTouched {
		return nil
	}
	vary(header)
	if s.err != nil {
		// Who answers with an error knows of it. Anybody else would show an empty session for one that may be full.
		if status >= http.StatusBadRequest {
			return nil
		}
		return s.err
	}
	if s.isUnstored() && isEmpty(s.stored) {
		s.drop()
	}
	isMoved := s.isMaxAgeDue()
	if s.isChanged {
		id, err := s.commit()
		if err != nil {
			s.err = err
			return err
		}
		if id != "" {
			s.manager.setCookie(header, id)
			return nil
		}
		if s.isDestroyed && len(s.later) == 0 && s.manager.hasCookie(s.request) {
			s.manager.deleteCookie(header)
		}
	}
	if isMoved {
		s.moveMaxAge(header)
	}
	return nil
}

// commit ends the transaction. What is read from now on is read anew. It returns the id that the cookie has to be set to, if it
// has to be.
func (s *Session) commit() (string, error) {
	if s.txn == nil {
		s.settle("")
		return "", nil
	}
	before := s.id
	id, err := s.finalID()
	if s.request.Context().Err() == context.DeadlineExceeded {
		// Its timer may run ahead of that of the transaction.
		err = &lovely.Error{Status: lovely.ErrTimeout, Message: "the request's deadline has passed"}
	}
	if err != nil {
		s.drop()
		return "", err
	}
	err = s.txn.Commit()
	s.drop()
	if err != nil {
		return "", err
	}
	s.settle(id)
	if id == before {
		return "", nil
	}
	return id, nil
}

// finalID readies the session for the commit and returns the id that it will have; "" if there will be none.
func (s *Session) finalID() (string, error) {
	if !s.has {
		return "", nil
	}
	isEmptied := s.id == "" && !s.isLent && isEmpty(s.stored)
	if isEmptied {
		// It was made after another one was destroyed, and is not needed.
		return "", s.stored.Destroy()
	}
	id, err := s.stored.ID()
	if isGone(err) {
		// Destroyed by whom it was handed out to.
		s.isDestroyed = true
		return "", nil
	}
	if err != nil || id == s.id {
		return id, err
	}
	if !fitsCookie(id) {
		return "", argument("the session was given an id that a cookie cannot carry")
	}
	if s.manager.cookie.MaxAge > 0 {
		err = s.manager.noteCookie(s.stored)
	}
	return id, err
}

// settle says what is to be looked for from now on.
func (s *Session) settle(id string) {
	s.isLooked, s.hasLater, s.later = false, true, nil
	if id != "" {
		s.later = []string{id}
	}
}

// isEmpty tells whether nothing stands in a session.
func isEmpty(session lovely.Session) bool {
	names, err := session.Pkgs()
	if err != nil {
		return false
	}
	for _, name := range names {
		if length, err := session.Pkg(name).Len(); err != nil || length > 0 {
			return false
		}
	}
	return true
}
