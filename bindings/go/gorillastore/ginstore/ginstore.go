// Package ginstore keeps the sessions of github.com/gin-contrib/sessions in lovely-session, as gorillastore keeps those of
// gorilla/sessions, on which they are built.
//
//	router := gin.Default()
//	router.Use(sessions.Sessions("visitor", ginstore.New(visitors, []byte("32 or 64 bytes to sign cookies with"))))
package ginstore

import (
	"github.com/gin-contrib/sessions"
	lovely "lovely.session/go"
	"lovely.session/go/gorillastore"
)

// Store is a sessions.Store of gin. Make one by [New].
type Store struct{ *gorillastore.Store }

var _ sessions.Store = Store{}

// New makes a store that keeps sessions in a container; see [gorillastore.New].
func New(container *lovely.Container, keyPairs ...[]byte) Store {
	return Store{gorillastore.New(container, keyPairs...)}
}

// Options sets the options of sessions that have none of their own.
func (s Store) Options(options sessions.Options) {
	s.Store.Options = options.ToGorillaOptions()
}
