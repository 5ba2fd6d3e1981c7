// Package lovely keeps web sessions on memcached, or in memory, with transactions.
//
// A request opens the sessions that it needs, changes them, and stores all changes together or none. Savepoints undo a part
// of a transaction. Two requests that change one session at the same time are merged, key by key, instead of erasing each
// other, and counters add up; the same key changed differently is a conflict, after which [Store.Update] runs the work again.
//
//	store, err := lovely.Open("memcached://127.0.0.1/shop")
//	...
//	visitors, err := store.Container("visitors", lovely.WithTimeout(30*time.Minute))
//	...
//	err = store.Update(ctx, func(txn *lovely.Txn) error {
//		session, err := txn.Session(visitors, id)
//		if err != nil {
//			return err
//		}
//		_, err = session.Pkg("cart").Add("items", 1)
//		return err
//	})
//
// A [Store] has [Container]s, a container has sessions, a [Session] has packages, and a [Pkg] is a map. Stores and containers
// are for all goroutines; a [Txn], with the sessions and packages that it gave, is for one at a time, and a second one gets
// [ErrMisuse]. A store that does not answer is an error, never an empty session.
//
// # Values
//
// What a key holds is nil, a bool, int64, float64, string, []byte, []any or map[string]any, and comes back exactly as it
// was stored, in C, C++, Ruby and Python too: 1, 1.0, true and "1" differ, floats keep all their bits. [Pkg.Set] also takes
// integers of other widths if they fit, float32, pointers, slices, arrays, maps with string keys, and structs, whose exported
// fields are stored under their names or that of a tag:
//
//	type Profile struct {
//		Name string   `lovely:"name"`
//		Tags []string `lovely:"tags,omitempty"` // left out if it is nil or zero
//		Note string   `lovely:"-"`              // not stored
//	}
//
// Fields of an embedded struct are stored as if they stood in the outer one; an embedded pointer is a field like others.
// A nil pointer is nil; a nil slice or map is an empty one. Times have no type of their own: store Unix milliseconds.
// [Get], [Pkg.Decode] and [Pkg.Load] read into such types, and refuse what does not fit with [ErrType] or [ErrRange].
//
// # Errors
//
// A failing call returns an [*Error]; errors.Is(err, lovely.ErrConflict) asks for its kind, and it wraps the error of the
// system or of the context behind it. [ErrNotFound] is an answer rather than a failure, and comes as it is. No error names a
// session id or a stored value.
//
// # Contexts
//
// A transaction is begun with a context, which bounds what asks a store: opening sessions, and committing, whose time limit is
// the context's deadline. Reading and changing open sessions asks nobody. A goroutine that waits for memcached holds no
// thread, and a context that ends wakes it: what was not sent by then is not sent any more.
//
// # Linking
//
// The package needs cgo and the C library, lovely_session, which pkg-config has to find; with the build tag lovely_static the
// program contains it. The tag lovely_tree is for work in the library's own source tree, and lovely_debug collects garbage in
// each call.
package lovely
