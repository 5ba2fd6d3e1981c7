package middleware

import (
	"bufio"
	"io"
	"maps"
	"net"
	"net/http"
)

// responseWriter stores the session before the first byte of the response leaves.
//
// It does what writers of net/http do beside the interface: what all can do here, and the rest in the types below.
type responseWriter struct {
	inner   http.ResponseWriter
	session *Session
	manager *Manager
	request *http.Request
	// before holds the headers that stood before the handler was called.
	before   http.Header
	hasBegun bool
	// err is why another response than the handler's was sent; dropped are the headers that it goes on to set.
	err     error
	dropped http.Header
}

// begin stores the session, once. If that fails, the response is another one, and the handler's goes nowhere.
func (w *responseWriter) begin(status int) error {
	if w.hasBegun {
		return w.err
	}
	w.hasBegun = true
	if w.err = w.session.store(status, w.inner.Header()); w.err != nil {
		w.scrub()
		w.dropped = http.Header{}
		answer := answerWriter{ResponseWriter: w.inner}
		w.manager.onError(&answer, w.request, w.err)
		if !answer.isWritten {
			http.Error(w.inner, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		}
	}
	return w.err
}

// scrub takes away what the handler put into the headers.
func (w *responseWriter) scrub() {
	header := w.inner.Header()
	clear(header)
	maps.Copy(header, w.before)
}

// finish ends a response that the handler has returned from.
func (w *responseWriter) finish() {
	if w.begin(http.StatusOK) != nil {
		// What the handler set since would go out as trailers.
		w.scrub()
	}
}

// Header implements [http.ResponseWriter].
func (w *responseWriter) Header() http.Header {
	if w.err != nil {
		return w.dropped
	}
	return w.inner.Header()
}

// WriteHeader implements [http.ResponseWriter]. Informational statuses are followed by the one that counts.
func (w *responseWriter) WriteHeader(status int) {
	isInformational := status >= 100 && status < 200 && status != http.StatusSwitchingProtocols
	if isInformational && w.err == nil || w.begin(status) == nil {
		w.inner.WriteHeader(status)
	}
}

// Write implements [http.ResponseWriter].
func (w *responseWriter) Write(data []byte) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return w.inner.Write(data)
}

// WriteString implements [io.StringWriter].
func (w *responseWriter) WriteString(text string) (int, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	return io.WriteString(w.inner, text)
}

// ReadFrom implements [io.ReaderFrom], so that files go out without a copy.
func (w *responseWriter) ReadFrom(src io.Reader) (int64, error) {
	if err := w.begin(http.StatusOK); err != nil {
		return 0, err
	}
	// io.Copy finds the ReadFrom of the writer, or does it by itself.
	return io.Copy(w.inner, src)
}

// Push implements [http.Pusher]: [http.ErrNotSupported] where there is none.
func (w *responseWriter) Push(target string, options *http.PushOptions) error {
	if pusher, ok := find[http.Pusher](w.inner); ok {
		return pusher.Push(target, options)
	}
	return http.ErrNotSupported
}

// Unwrap is for [http.ResponseController].
func (w *responseWriter) Unwrap() http.ResponseWriter { return w.inner }

func (w *responseWriter) flush() error {
	if err := w.begin(http.StatusOK); err != nil {
		return err
	}
	return http.NewResponseController(w.inner).Flush()
}

func (w *responseWriter) hijack() (net.Conn, *bufio.ReadWriter, error) {
	if err := w.begin(http.StatusSwitchingProtocols); err != nil {
		return nil, nil, err
	}
	return http.NewResponseController(w.inner).Hijack()
}

// What not every writer can do is asked by whether it has the method.
type (
	flushWriter       struct{ *responseWriter }
	hijackWriter      struct{ *responseWriter }
	flushHijackWriter struct{ *responseWriter }
)

func (w flushWriter) Flush()                  { _ = w.flush() }
func (w flushWriter) FlushError() error       { return w.flush() }
func (w flushHijackWriter) Flush()            { _ = w.flush() }
func (w flushHijackWriter) FlushError() error { return w.flush() }

func (w hijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error)      { return w.hijack() }
func (w flushHijackWriter) Hijack() (net.Conn, *bufio.ReadWriter, error) { return w.hijack() }

// able returns the writer with the abilities that the one below has, or any below that: http.ResponseController would find
// it there, and go past what has to be done first.
func (w *responseWriter) able() http.ResponseWriter {
	_, canFlush := find[http.Flusher](w.inner)
	if !canFlush {
		_, canFlush = find[interface{ FlushError() error }](w.inner)
	}
	_, canHijack := find[http.Hijacker](w.inner)
	switch {
	case canFlush && canHijack:
		return flushHijackWriter{w}
	case canFlush:
		return flushWriter{w}
	case canHijack:
		return hijackWriter{w}
	}
	return w
}

// find looks for an ability in a writer and those that it wraps.
func find[T any](w http.ResponseWriter) (T, bool) {
	for {
		if able, ok := w.(T); ok {
			return able, true
		}
		wrapper, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			var none T
			return none, false
		}
		w = wrapper.Unwrap()
	}
}

// answerWriter notes whether the hook for errors wrote something.
type answerWriter struct {
	http.ResponseWriter
	isWritten bool
}

func (w *answerWriter) WriteHeader(status int) {
	w.isWritten = w.isWritten || status >= 200
	w.ResponseWriter.WriteHeader(status)
}

func (w *answerWriter) Write(data []byte) (int, error) {
	w.isWritten = true
	return w.ResponseWriter.Write(data)
}

func (w *answerWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
