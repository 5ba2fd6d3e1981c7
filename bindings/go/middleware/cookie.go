package middleware

import (
	"net/http"
	"slices"
	"strings"
	"time"

	lovely "lovely.session/go"
)

const (
	// maxID bounds the ids that are looked for: ours have 32 characters, those of other programs not many more.
	maxID = 128
	// maxCookies bounds how many cookies of the name are tried: another host of the domain may have planted one that comes first.
	maxCookies = 4
	// cookiePkg is the package that notes when a cookie was sent that has a MaxAge: its name, and Unix milliseconds.
	cookiePkg = "lovely.cookie"
)

// ids returns what the cookies of the request say, which may be anything.
func (m *Manager) ids(r *http.Request) []string {
	var ids []string
	for _, cookie := range r.CookiesNamed(m.cookie.Name) {
		id := cookie.Value
		if id != "" && len(id) <= maxID && len(ids) < maxCookies && !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// fitsCookie tells whether a cookie can carry an id so that it is found again: who handed out a session's transaction may have
// given it any.
func fitsCookie(id string) bool {
	cookie := http.Cookie{Name: "id", Value: id}
	return len(id) <= maxID && cookie.Valid() == nil
}

func (m *Manager) hasCookie(r *http.Request) bool { return len(r.CookiesNamed(m.cookie.Name)) > 0 }

func (m *Manager) setCookie(header http.Header, id string) {
	cookie := m.cookie
	cookie.Value = id
	addCookie(header, &cookie)
}

func (m *Manager) deleteCookie(header http.Header) {
	cookie := m.cookie
	cookie.MaxAge = -1
	addCookie(header, &cookie)
}

// addCookie keeps caches from giving one visitor's cookie to others.
func addCookie(header http.Header, cookie *http.Cookie) {
	header.Add("Set-Cookie", cookie.String())
	header.Add("Cache-Control", `no-cache="Set-Cookie"`)
}

// vary says that another cookie would have got another response.
func vary(header http.Header) {
	for _, line := range header.Values("Vary") {
		for name := range strings.SplitSeq(line, ",") {
			if name = strings.TrimSpace(name); name == "*" || strings.EqualFold(name, "Cookie") {
				return
			}
		}
	}
	header.Add("Vary", "Cookie")
}

// noteCookie notes in a session that a cookie with a MaxAge is sent now.
func (m *Manager) noteCookie(session lovely.Session) error {
	return session.Pkg(cookiePkg).SetInt(m.cookie.Name, m.now().UnixMilli())
}

// isMaxAgeDue tells whether so much of the cookie's MaxAge has passed that it must be sent again. It does not read the
// session anew.
func (s *Session) isMaxAgeDue() bool {
	if s.manager.cookie.MaxAge == 0 || !s.has || s.id == "" {
		return false
	}
	pkg, err := s.stored.Peek(cookiePkg)
	if err != nil {
		return err == lovely.ErrNotFound
	}
	sent, err := pkg.Int(s.manager.cookie.Name)
	age := time.Duration(s.manager.cookie.MaxAge) * time.Second
	return err != nil || s.manager.now().Sub(time.UnixMilli(sent)).Abs() >= age/8
}

// moveMaxAge sends the cookie again, but only if its session is still stored after that was noted in it: the response of a
// slow request must not replace the cookie that another one set when it gave the session a new id.
//
// It is a transaction of its own, as it is no failure of the request if the session is gone.
func (s *Session) moveMaxAge(header http.Header) {
	id := s.id
	if id == "" && len(s.later) == 1 {
		id = s.later[0]
	}
	ctx, cancel := s.context()
	defer cancel()
	isStored := false
	err := s.manager.container.Store().Update(ctx, func(txn *lovely.Txn) error {
		session, err := txn.Session(s.manager.container, id)
		if err != nil {
			return err
		}
		isStored = !session.IsNew()
		if !isStored {
			return nil
		}
		return s.manager.noteCookie(session)
	})
	switch {
	case err == nil && isStored:
		s.manager.setCookie(header, id)
	case err != nil && !isGone(err):
		logf(s.request, "the MaxAge of a session's cookie was not renewed: %v", err)
	}
}
