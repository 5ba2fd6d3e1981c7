// Package scsstore keeps the sessions of github.com/alexedwards/scs in lovely-session: on memcached, or in memory.
//
//	store, err := lovely.Open("memcached://127.0.0.1/shop")
//	...
//	visitors, err := store.Container("visitors")
//	...
//	manager := scs.New()
//	manager.Codec = scsstore.Codec{} // keys, not one blob: concurrent changes are merged
//	manager.Store = scsstore.New(visitors, manager)
//
// # What becomes of concurrent requests
//
// A request that changed nothing writes nothing, with an IdleTimeout too: it never erases what another one wrote meanwhile.
// With [Codec], requests that change different keys of one session are both kept; for the same key the later one wins. With
// any other codec the session is one blob, and the later one that changed something wins.
//
// A session that was destroyed stays so, and so does the token before RenewToken: a slower request that changed the
// session cannot bring it back. Its commit fails with [lovely.ErrGone], for which scs calls ErrorFunc:
//
//	manager.ErrorFunc = func(w http.ResponseWriter, r *http.Request, err error) {
//		if errors.Is(err, lovely.ErrGone) {
//			http.Redirect(w, r, "/login", http.StatusSeeOther)
//			return
//		}
//		...
//	}
//
// One that changed nothing is no failure; but with an IdleTimeout scs sends the cookie with each response, and that of a
// request which began before RenewToken then takes the place of the new one. Start slow requests after signing in.
//
// A server that does not answer is an error of Find and Commit, never an empty session. A request whose client has gone
// stores what it changed all the same.
//
// # Times
//
// The manager says how long sessions live: IdleTimeout is the container's timeout, whatever that was before, and renewed
// by loading a session; without one only the session's deadline ends it, which the manager's Lifetime sets.
//
// # Values
//
// With [Codec] each key of the session is one of the package "scs", or as [Store] names it, for other languages to read and
// write. Values come back as the Go type that they were:
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
//
// Sessions that were stored by scs's own codec are read, and become keys when they are next changed.
package scsstore
