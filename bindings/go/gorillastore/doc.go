// Package gorillastore keeps the sessions of github.com/gorilla/sessions in lovely-session: on memcached, or in memory. What
// is built on those, such as echo's session middleware, uses it as it is; for gin there is ginstore.
//
//	store, err := lovely.Open("memcached://127.0.0.1/shop")
//	...
//	visitors, err := store.Container("visitors")
//	...
//	sessions := gorillastore.New(visitors, []byte("32 or 64 bytes to sign cookies with"))
//	...
//	session, err := sessions.Get(r, "visitor")
//	session.Values["items"] = 3
//	err = session.Save(r, w)
//
// The cookie has the session's id, signed, and encrypted if there is a key for it; what is in Values stays on the server.
//
// # What becomes of concurrent requests
//
// Requests that change different keys of one session are both kept; for the same key the later one wins. A request that
// changed nothing writes nothing. A session that was destroyed stays so: a slower request that changed it gets
// [lovely.ErrGone] from Save, and no cookie. A request whose client has gone stores what it changed all the same.
//
// Save sends the cookie whether or not something was changed: that of a slow request which began before another one gave
// the session a new id takes the place of the new one. Save only what was changed, or start slow requests after signing in.
//
// A server that does not answer is an error of Get, New and Save, never an empty session: Save does not store what such
// a session became.
//
// # Times
//
// Options.MaxAge is how long a session lives from when it was last opened or saved: 31 days or 10 years too. With 0, a cookie
// that ends with the browser, the container's timeout counts; below 0 Save destroys the session. Set the longest MaxAge of a
// program on [Store], in each of its processes: it is how long memcached is asked to keep sessions.
//
// # Values
//
// Each key of Values that is text is one of the package "gorilla", or as [Store] names it, for other languages to read and
// write. Other keys stand in a package beside it, under their gob. Values come back as the Go type that they were:
//
//	in Go                                  in the session
//	nil, bool, string, float64, []byte     the same
//	int                                    an integer
//	[]any, map[string]any                  a list, a map, of such values
//	int8 to int64, uint to uint64          {"go:int64": 5}, up to 2^63-1
//	float32                                {"go:float32": 1.5}
//	time.Time                              {"go:time": "2026-11-22T03:00:00.5+01:00"}
//	[]string, map[string]string            {"go:[]string": [...]}, {"go:map[string]string": {...}}
//	a map that looks like one of these     {"go:map": {...}}
//	whatever else gob can encode           {"go:gob": bytes}; its type is registered by gob.Register
package gorillastore
