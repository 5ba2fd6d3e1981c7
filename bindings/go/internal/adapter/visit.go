package adapter

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"
	"weak"

	lovely "lovely.session/go"
)

// Place is where the sessions of a store are.
type Place struct {
	Container *lovely.Container
	// Package is the name of the package that has the named values.
	Package string
}

// Head is what holds for a session as a whole.
type Head struct {
	// Deadline is when it ends, as [RoundUp] makes it; zero if it has none.
	Deadline time.Time
	// Timeout is its own idle timeout; 0 if it has none and the container's counts.
	Timeout time.Duration
}

// RoundUp makes a deadline as sessions keep it: in milliseconds, never earlier, and equal (==) if it is the same.
func RoundUp(t time.Time) time.Time {
	return t.Add(time.Millisecond - time.Nanosecond).Truncate(time.Millisecond).UTC()
}

// Visit is a session as a request knows it: what was stored when it was loaded, or when the request last saved it.
//
// Between the two the transaction that loaded it stays open, as long as the request does, so that saving finds there what
// it has to be merged against; after that it is opened again, and merged against what is kept here.
type Visit struct {
	place Place

	mutex   sync.Mutex
	id      string
	content Content
	head    Head
	open    *opened
}

// opened is a session that is open in a transaction.
type opened struct {
	txn     *lovely.Txn
	session lovely.Session
	// leave takes it back from the request's context.
	leave func() bool
	// done ends the transaction's own context.
	done context.CancelFunc
}

func (o *opened) end() {
	if o.leave != nil {
		o.leave()
	}
	_ = o.txn.Abort()
	o.done()
}

// lasting is the context of what has to go on although the client went away: a change that a request has made is stored.
// Its deadline stays.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	lasting := context.WithoutCancel(ctx)
	if deadline, ok := ctx.Deadline(); ok {
		return context.WithDeadline(lasting, deadline)
	}
	return lasting, func() {}
}

func begin(ctx context.Context, place Place) (*opened, error) {
	ctx, done := lasting(ctx)
	txn, err := place.Container.Store().Begin(ctx)
	if err != nil {
		done()
		return nil, err
	}
	return &opened{txn: txn, done: done}, nil
}

// Open loads a session; nil if there is none, whether it never was, has ended, or cannot be by such an id.
func Open(ctx context.Context, place Place, id string) (*Visit, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	open, err := begin(ctx, place)
	if err != nil {
		return nil, err
	}
	visit := &Visit{place: place, id: id}
	found, err := visit.load(open)
	if err != nil || !found {
		open.end()
		return nil, err
	}
	if ctx.Done() == nil {
		// Nothing says when the request has ended.
		open.end()
		return visit, nil
	}
	visit.open = open
	// A context may last longer than anybody knows of the visit, and must not keep it.
	known := weak.Make(visit)
	leave := context.AfterFunc(ctx, func() {
		if visit := known.Value(); visit != nil {
			visit.Leave()
		}
	})
	open.leave = leave
	runtime.AddCleanup(visit, func(done context.CancelFunc) { leave(); done() }, open.done)
	return visit, nil
}

// load reads what is stored, all of it: the packages that are served know nothing of reading later.
func (v *Visit) load(open *opened) (bool, error) {
	var err error
	open.session, err = open.txn.Session(v.place.Container, v.id)
	switch {
	case errors.Is(err, lovely.ErrArgument), errors.Is(err, lovely.ErrTooLarge):
		return false, nil
	case err != nil:
		return false, err
	case open.session.IsNew():
		return false, nil
	}
	for kind := range kinds {
		pkg, err := open.session.Peek(kind.name(v.place.Package))
		if err == lovely.ErrNotFound {
			continue
		}
		if err != nil {
			return false, err
		}
		if v.content.kept[kind], err = pkg.Content(); err != nil {
			return false, err
		}
	}
	switch deadline, err := open.session.Deadline(); err {
	case nil:
		v.head.Deadline = RoundUp(deadline)
	case lovely.ErrNotFound:
	default:
		return false, err
	}
	if v.head.Timeout, err = open.session.Timeout(); err != nil && err != lovely.ErrNotFound {
		return false, err
	}
	return true, nil
}

// Create stores a session that the request did not load: under that id, or a random one if it is "". One that stands under
// the id is replaced; where one was destroyed or has expired the answer is [lovely.ErrGone], as far as its mark stands.
func Create(ctx context.Context, place Place, id string, content Content, head Head) (*Visit, error) {
	visit := &Visit{place: place, id: id, content: content, head: head}
	err := visit.create(ctx)
	if !errors.Is(err, lovely.ErrConflict) {
		return visit, err
	}
	there, err := Open(ctx, place, id)
	switch {
	case err != nil:
		return nil, err
	case there == nil:
		return nil, gone(place)
	}
	return there, there.Save(ctx, content, head)
}

func (v *Visit) create(ctx context.Context) error {
	open, err := begin(ctx, v.place)
	if err != nil {
		return err
	}
	defer open.end()
	if open.session, err = open.txn.NewSession(v.place.Container); err != nil {
		return err
	}
	if v.id != "" {
		err = open.session.RenewAs(v.id)
	} else {
		v.id, err = open.session.ID()
	}
	if err != nil {
		return err
	}
	if err := v.write(open.session, &Content{}, v.content, Head{}, v.head); err != nil {
		return err
	}
	return open.txn.Commit()
}

// Destroy destroys a session, known or not.
func Destroy(ctx context.Context, place Place, id string) error {
	ctx, done := lasting(ctx)
	defer done()
	err := place.Container.Store().Update(ctx, func(txn *lovely.Txn) error { return txn.Destroy(place.Container, id) })
	if errors.Is(err, lovely.ErrArgument) || errors.Is(err, lovely.ErrTooLarge) {
		return nil
	}
	return err
}

// ID returns the id of the session.
func (v *Visit) ID() string {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.id
}

// Content returns what the request knows to be stored.
func (v *Visit) Content() Content {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.content
}

// Head returns the same of the session as a whole.
func (v *Visit) Head() Head {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.head
}

// Leave ends the transaction that loaded the session. It can still be saved.
func (v *Visit) Leave() {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.leave()
}

func (v *Visit) leave() {
	if v.open != nil {
		v.open.end()
		v.open = nil
	}
}

// Save stores what the request made of the session: each key that it changed, merged into what others made of it meanwhile.
// What is as it was loaded is not written. If the session was destroyed, evicted or has expired since, that is
// [lovely.ErrGone], unless there is nothing to write.
func (v *Visit) Save(ctx context.Context, content Content, head Head) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	defer v.leave()
	if v.head == head && isSame(&v.content, &content) {
		return nil
	}
	if err := v.reopen(ctx); err != nil {
		return err
	}
	return v.commit(content, head)
}

// Renew gives the session a new, random id, and saves it.
func (v *Visit) Renew(ctx context.Context, content Content, head Head) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	defer v.leave()
	if err := v.reopen(ctx); err != nil {
		return err
	}
	if err := v.open.session.Renew(); err != nil {
		return err
	}
	id, err := v.open.session.ID()
	if err != nil {
		return err
	}
	if err := v.commit(content, head); err != nil {
		return err
	}
	v.id = id
	return nil
}

// commit writes what differs from what the request knows to be stored, and commits it; then that is what it knows.
func (v *Visit) commit(content Content, head Head) error {
	if err := v.write(v.open.session, &v.content, content, v.head, head); err != nil {
		return err
	}
	if err := v.open.txn.Commit(); err != nil {
		return err
	}
	v.content, v.head = content, head
	return nil
}

// reopen makes sure that the session is open.
func (v *Visit) reopen(ctx context.Context) error {
	if v.open != nil {
		return nil
	}
	open, err := begin(ctx, v.place)
	if err != nil {
		return err
	}
	open.session, err = open.txn.Session(v.place.Container, v.id)
	if err == nil && open.session.IsNew() {
		err = gone(v.place)
	}
	if err != nil {
		open.end()
		return err
	}
	v.open = open
	return nil
}

// write writes what differs.
func (v *Visit) write(session lovely.Session, before *Content, after Content, headBefore, headAfter Head) error {
	for kind := range kinds {
		if len(before.kept[kind]) == 0 && len(after.kept[kind]) == 0 {
			continue
		}
		if err := writeKind(session.Pkg(kind.name(v.place.Package)), before.kept[kind], after.kept[kind]); err != nil {
			return err
		}
	}
	if headBefore.Deadline != headAfter.Deadline {
		err := session.ClearDeadline()
		if !headAfter.Deadline.IsZero() {
			err = session.SetDeadline(headAfter.Deadline)
		}
		if err != nil {
			return err
		}
	}
	if headBefore.Timeout == headAfter.Timeout {
		return nil
	}
	if headAfter.Timeout == 0 {
		return session.ClearTimeout()
	}
	return session.SetTimeout(headAfter.Timeout)
}

func writeKind(pkg lovely.Pkg, before, after map[string]any) error {
	for key, value := range after {
		if old, ok := before[key]; ok && same(old, value) {
			continue
		}
		if err := pkg.Set(key, value); err != nil {
			return err
		}
	}
	for key := range before {
		if _, ok := after[key]; ok {
			continue
		}
		if _, err := pkg.Delete(key); err != nil {
			return err
		}
	}
	return nil
}

func isSame(a, b *Content) bool {
	for kind := range kinds {
		if len(a.kept[kind]) != len(b.kept[kind]) {
			return false
		}
		for key, value := range a.kept[kind] {
			if other, ok := b.kept[kind][key]; !ok || !same(value, other) {
				return false
			}
		}
	}
	return true
}

func gone(place Place) error {
	return &lovely.Error{
		Status:  lovely.ErrGone,
		Message: fmt.Sprintf("the session was destroyed, evicted or has expired (container %q)", place.Container.Name()),
	}
}
