package middleware

import (
	"context"
	"net/http"
	"time"

	lovely "lovely.session/go"
)

// Manager gives requests the sessions of a container. It is safe for use by several goroutines. Several managers, with cookies
// of different names, can serve one request.
type Manager struct {
	settings
	container *lovely.Container
	now       func() time.Time
}

// New makes a manager of the sessions in a container. It sets the container's conflict policy, see [WithPolicy], and refuses
// cookies that browsers would not take.
func New(container *lovely.Container, options ...Option) (*Manager, error) {
	m := &Manager{defaults(), container, time.Now}
	for _, option := range options {
		option(&m.settings)
	}
	if err := m.check(); err != nil {
		return nil, err
	}
	config, err := container.Config()
	if err != nil {
		return nil, err
	}
	switch {
	case m.hasPolicy:
		err = container.Configure(lovely.WithPolicy(m.policy))
	case config.Policy == lovely.Merge:
		err = container.Configure(lovely.WithPolicy(lovely.Mine))
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Handler returns a handler that calls next with the session of the visitor in the request's context. Within another
// handler of the same manager it adds nothing.
func (m *Manager) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Context().Value(m) != nil {
			next.ServeHTTP(w, r)
			return
		}
		newVisit(m, w, r).serve(next)
	})
}

// FromContext returns the session that this manager gave to the request of a context. Outside of one it is a session of
// which every method answers [lovely.ErrMisuse].
func (m *Manager) FromContext(ctx context.Context) *Session { return sessionOf(ctx, m) }

// Get returns the session that this manager gave to a request; see [Manager.FromContext].
func (m *Manager) Get(r *http.Request) *Session { return sessionOf(r.Context(), m) }

// FromContext returns the session of the request of a context; with several managers, that of the innermost one. Outside of
// a request it is a session of which every method answers [lovely.ErrMisuse].
func FromContext(ctx context.Context) *Session { return sessionOf(ctx, contextKey{}) }

// Get returns the session of a request; see [FromContext].
func Get(r *http.Request) *Session { return sessionOf(r.Context(), contextKey{}) }

// contextKey is what the session of the innermost manager is found by; that of one manager is found by the manager.
type contextKey struct{}

func sessionOf(ctx context.Context, key any) *Session {
	if session, ok := ctx.Value(key).(*Session); ok {
		return session
	}
	session := &Session{stage: over}
	session.defaultPkg.session = session
	return session
}

// visit is all that there is to a request: one allocation.
type visit struct {
	context.Context
	session Session
	writer  responseWriter
}

func newVisit(m *Manager, w http.ResponseWriter, r *http.Request) *visit {
	v := &visit{Context: r.Context()}
	v.session = Session{manager: m, request: r}
	v.session.defaultPkg = Pkg{&v.session, m.pkg}
	v.writer = responseWriter{inner: w, session: &v.session, manager: m}
	if header := w.Header(); len(header) > 0 {
		v.writer.before = header.Clone()
	}
	return v
}

// Value makes it the context of the request, in which the session is found.
func (v *visit) Value(key any) any {
	if key == (contextKey{}) || key == any(v.session.manager) {
		return &v.session
	}
	return v.Context.Value(key)
}

func (v *visit) serve(next http.Handler) {
	// What was not stored by then is dropped: the handler panicked.
	defer v.session.end()
	v.writer.request = v.session.request.WithContext(v)
	next.ServeHTTP(v.writer.able(), v.writer.request)
	v.writer.finish()
}
