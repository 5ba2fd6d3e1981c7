// Package adapter is what the stores for other session packages, scsstore and gorillastore, have in common: how any Go
// value is kept in a session so that it comes back exactly, what a request had loaded, and how what it made of that is
// merged into what is stored by then.
package adapter
