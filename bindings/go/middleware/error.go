package middleware

import (
	"errors"
	"log"
	"net/http"

	lovely "lovely.session/go"
)

// StatusCode returns the HTTP status that fits a failure to open or store a session: 409 for [lovely.ErrConflict] and
// [lovely.ErrGone], 503 if the store does not answer, else 500.
func StatusCode(err error) int {
	var failure *lovely.Error
	if !errors.As(err, &failure) {
		return http.StatusInternalServerError
	}
	switch failure.Status {
	case lovely.ErrConflict, lovely.ErrGone:
		return http.StatusConflict
	case lovely.ErrUnavailable, lovely.ErrTimeout, lovely.ErrProtocol, lovely.ErrUnknown, lovely.ErrCancelled:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// answerError is what answers if there is no hook. The log gets what the visitor need not know.
func answerError(w http.ResponseWriter, r *http.Request, err error) {
	status := StatusCode(err)
	text := "something went wrong"
	switch {
	case errors.Is(err, lovely.ErrGone):
		text = "this session has ended"
	case status == http.StatusConflict:
		text = "too many changes at once; please try again"
	case status == http.StatusServiceUnavailable:
		text = "sessions cannot be reached; please try again"
	}
	if status != http.StatusConflict {
		logf(r, "session of %s %q: %v", r.Method, r.URL.Path, err)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, text, status)
}

// logf writes to where the server writes its own errors.
func logf(r *http.Request, format string, args ...any) {
	server, _ := r.Context().Value(http.ServerContextKey).(*http.Server)
	if server != nil && server.ErrorLog != nil {
		server.ErrorLog.Printf(format, args...)
		return
	}
	log.Printf(format, args...)
}
