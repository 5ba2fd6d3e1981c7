package middleware

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	lovely "lovely.session/go"
)

// Option is an option of [New].
type Option func(*settings)

type settings struct {
	// cookie is what each cookie that is sent begins as.
	cookie    http.Cookie
	maxAge    time.Duration
	pkg       string
	policy    lovely.Policy
	hasPolicy bool
	onError   func(http.ResponseWriter, *http.Request, error)
}

func defaults() settings {
	return settings{
		cookie:  http.Cookie{Name: "session", Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode},
		pkg:     "session",
		onError: answerError,
	}
}

// WithName sets the name of the cookie; "session" if it is not given. With the prefix "__Host-" no other host of the domain
// can plant one.
func WithName(name string) Option { return func(s *settings) { s.cookie.Name = name } }

// WithSecure says whether the cookie is for HTTPS only, which it should be wherever there is HTTPS; false if it is not given.
func WithSecure(secure bool) Option { return func(s *settings) { s.cookie.Secure = secure } }

// WithHTTPOnly says whether scripts cannot read the cookie; true if it is not given.
func WithHTTPOnly(httpOnly bool) Option { return func(s *settings) { s.cookie.HttpOnly = httpOnly } }

// WithSameSite sets which requests from other sites bring the cookie; [http.SameSiteLaxMode] if it is not given.
func WithSameSite(mode http.SameSite) Option { return func(s *settings) { s.cookie.SameSite = mode } }

// WithPath sets the path below which the cookie is sent; "/" if it is not given.
func WithPath(path string) Option { return func(s *settings) { s.cookie.Path = path } }

// WithDomain sets the domain whose hosts all get the cookie; only the host that set it if it is not given.
func WithDomain(domain string) Option { return func(s *settings) { s.cookie.Domain = domain } }

// WithPartitioned says whether the cookie is kept apart for each site that embeds this one; false if it is not given.
func WithPartitioned(partitioned bool) Option {
	return func(s *settings) { s.cookie.Partitioned = partitioned }
}

// WithMaxAge sets how long browsers keep the cookie, counted from a request that used the session and rounded up to seconds; 0, the
// default, is until they are closed. It is renewed when an eighth of it has passed; that is noted in the session, in the
// package "lovely.cookie", so that a response that comes late does not replace a newer cookie. How long the session lives is up to its
// container, see [lovely.WithTimeout].
func WithMaxAge(age time.Duration) Option { return func(s *settings) { s.maxAge = age } }

// WithPackage sets the package that the methods of [Session] itself read and change; "session" if it is not given.
func WithPackage(name string) Option { return func(s *settings) { s.pkg = name } }

// WithPolicy sets the container's conflict policy, for all who use it in this process. If it is not given, and the container has
// the default, [lovely.Merge], it becomes [lovely.Mine]: for a key that two requests changed differently the later one wins, as
// neither can be run again.
func WithPolicy(policy lovely.Policy) Option {
	return func(s *settings) { s.policy, s.hasPolicy = policy, true }
}

// WithOnError sets what answers a request whose session could not be opened or stored. The handler's response is gone by
// then, but for the headers that stood before it was called. [StatusCode] is the status that fits the error; the error names
// neither ids nor values, and can be logged. If the hook writes nothing, the answer is a plain 500.
func WithOnError(hook func(w http.ResponseWriter, r *http.Request, err error)) Option {
	return func(s *settings) { s.onError = hook }
}

// longestMaxAge is 68 years; browsers make less of it.
const longestMaxAge = math.MaxInt32 * time.Second

// check refuses what browsers would drop without a word.
func (s *settings) check() error {
	cookie := &s.cookie
	if err := cookie.Valid(); err != nil {
		return argument("the cookie: %s", strings.TrimPrefix(err.Error(), "http: "))
	}
	lower := strings.ToLower(cookie.Name)
	isHost := strings.HasPrefix(lower, "__host-")
	switch {
	case s.maxAge < 0:
		return argument("the cookie's MaxAge is negative")
	case !cookie.Secure && (isHost || strings.HasPrefix(lower, "__secure-")):
		return argument("a cookie named %s must be secure", cookie.Name)
	case isHost && (cookie.Path != "/" || cookie.Domain != ""):
		return argument("a cookie named %s has the path / and no domain", cookie.Name)
	case !cookie.Secure && cookie.SameSite == http.SameSiteNoneMode:
		return argument("a cookie with SameSite=None must be secure")
	case s.onError == nil:
		return argument("the hook for errors is nil")
	}
	// Less than a second would be a cookie of the browser's session, or one that ends at once.
	cookie.MaxAge = int((min(s.maxAge, longestMaxAge) + time.Second - 1) / time.Second)
	return nil
}

func argument(format string, args ...any) error {
	return &lovely.Error{Status: lovely.ErrArgument, Message: fmt.Sprintf(format, args...)}
}

func misuse(message string) error { return &lovely.Error{Status: lovely.ErrMisuse, Message: message} }
