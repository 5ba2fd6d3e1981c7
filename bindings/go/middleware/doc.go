// Package middleware gives each request of a net/http server the session of its visitor, found by a cookie.
//
//	visitors, err := store.Container("visitors", lovely.WithTimeout(30*time.Minute))
//	...
//	manager, err := middleware.New(visitors, middleware.WithName("shop"), middleware.WithSecure(true))
//	...
//	mux.HandleFunc("POST /cart", func(w http.ResponseWriter, r *http.Request) {
//		session := middleware.Get(r)
//		if _, err := session.Pkg("cart").Add("items", 1); err != nil {
//			http.Error(w, "sessions cannot be reached", http.StatusServiceUnavailable)
//			return
//		}
//		http.Redirect(w, r, "/", http.StatusSeeOther)
//	})
//	http.ListenAndServe("localhost:8080", manager.Handler(mux))
//
// # When it asks the store
//
// The session is opened when the handler first touches it: a request that does not does no I/O. It is stored before the first
// byte of the response leaves, in one transaction, if something was changed, and bodies are not held back for that. From then
// on it can only be read: a change answers [lovely.ErrMisuse]. A status of 1xx other than 101 is no first byte.
//
// A visitor without a session gets none by being looked at: reading answers as an empty session does, and the first change makes
// one. The cookie is sent when its session is new or has a new id, when its MaxAge must move, and, to take it away, when
// the session was destroyed; never otherwise, so that a slow response does not bring back an id that is over.
//
// # When something fails
//
// A commit that fails, or a session that could not be opened, becomes another response: nothing of the handler's leaves, neither
// headers nor body, and [WithOnError] says what does instead. Without it that is 409 for a key that another request changed
// differently and for a session that ended meanwhile, 503 for a store that does not answer, and 500. Whoever answers with 400 or
// more is taken to know that the session could not be opened, and is heard; a page that can do without it calls [Session.Abort].
//
// Concurrent requests are merged key by key, and where they changed the same key the later one wins, because a request cannot be
// run again; see [WithPolicy]. [Pkg.Add] counts exactly. A session that another request destroyed stays destroyed: what only
// read it is answered as if nothing had happened, and a change of it fails with [lovely.ErrGone].
//
// A handler that panics, with [http.ErrAbortHandler] too, has changed nothing, unless its response had begun; the panic goes on.
// What recovers belongs outside of this middleware, and so does what gives up on a handler, such as [http.TimeoutHandler]: inside, their
// responses are like any other, and what the handler had changed by then is stored.
//
// A client that goes away does not keep what the handler did from being stored. A deadline of the request's context does:
// its client was told that the request failed.
//
// # What a response may do
//
// The [http.ResponseWriter] has the abilities of the one it wraps: Flush, Hijack, Push, ReadFrom, and all of
// [http.ResponseController]. Hijacking stores the session first; as the handler then writes the head of the response by itself, the
// cookie is its affair: it stands in the Set-Cookie of w.Header().
//
// A response that was made with the session says Vary: Cookie, and one that sets the cookie Cache-Control: no-cache="Set-Cookie".
//
// # Ids
//
// An id is used only if a session is stored under it. Any other cookie, unknown, expired or made up, is answered with a fresh
// id of 192 random bits once there is something to store. Call [Session.Renew] at sign-in: an id that somebody planted before
// is worth nothing then.
//
// A request that the browser sent with the old id, before it got the new one, may come when the old one is over. Then it is
// one without a session, and if it changes something, the cookie that it gets takes the place of the new one: a page that
// signs in should have nothing that writes going on beside it.
package middleware
