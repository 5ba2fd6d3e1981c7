package lovely_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	lovely "lovely.session/go"
)

// What each step of a trace is in this package.

// errKey is "not found", which the ancestor raised; errAttribute is the inside of something that has none.
var (
	errKey       = errors.New("KeyError")
	errAttribute = errors.New("AttributeError")
	errSkip      = errors.New("nothing to do")
)

type nested struct {
	pkg lovely.Pkg
	key string
}

func lookUp[T any](handles map[string]T, name string) (T, error) {
	handle, ok := handles[name]
	if !ok {
		return handle, errors.New(name + " was not returned")
	}
	return handle, nil
}

// txn is the transaction of an actor: a new one, if the last has ended.
func (r *runner) txn(actor string) (*lovely.Txn, error) {
	if txn := r.actors[actor]; txn != nil {
		return txn, nil
	}
	txn, err := r.store.Begin(context.Background())
	if err == nil {
		r.actors[actor] = txn
	}
	return txn, err
}

func (r *runner) abort(actor string) error {
	txn := r.actors[actor]
	delete(r.actors, actor)
	return txn.Abort()
}

func (r *runner) perform(step *step) (any, error) {
	switch step.Op {
	case "open", "container_get", "contains", "items", "begin", "abort", "commit", "savepoint", "rollback", "valid":
		return r.performTxn(step)
	case "pkg", "pkg_peek", "pkg_in", "pkgs", "pkg_del", "pkg_set", "session_dump", "session_clear", "session_last_access":
		s, err := lookUp(r.sessions, step.Session)
		if err != nil {
			return nil, err
		}
		return r.performSession(step, s)
	case "nested_push", "nested_dump":
		n, err := lookUp(r.nested, step.Nested)
		if err != nil {
			return nil, err
		}
		if step.Op == "nested_push" {
			return nil, n.push(value(step.Value))
		}
		return orKeyError(n.pkg.Get(n.key))
	case "same_handle":
		if a, ok := r.sessions[step.A]; ok {
			return a == r.sessions[step.B], nil
		}
		return r.pkgs[step.A] == r.pkgs[step.B], nil
	case "set_unserialisable", "container_set":
		return nil, errSkip
	}
	if step.PkgHandle != "" {
		pkg, err := lookUp(r.pkgs, step.PkgHandle)
		if err != nil {
			return nil, err
		}
		return r.performPkg(step, pkg)
	}
	return r.performWorld(step)
}

func (r *runner) performTxn(step *step) (any, error) {
	if step.Op == "begin" || step.Op == "abort" {
		return nil, r.abort(step.Actor)
	}
	txn, err := r.txn(step.Actor)
	if err != nil {
		return nil, err
	}
	switch step.Op {
	case "open", "container_get":
		s, err := txn.Session(r.containers[step.Container], step.ID)
		if err != nil {
			return nil, err
		}
		r.sessions[step.As], r.opened[s] = s, step.Container
		return s.Content()
	case "contains", "items":
		sessions, err := txn.Sessions()
		if err != nil {
			return nil, err
		}
		ids := []string{}
		for _, s := range sessions {
			id, err := s.ID()
			if err != nil {
				return nil, err
			}
			if r.opened[s] == step.Container {
				ids = append(ids, id)
			}
		}
		slices.Sort(ids)
		if step.Op == "contains" {
			return slices.Contains(ids, step.ID), nil
		}
		return ids, nil
	case "commit":
		return r.commit(step.Actor, txn)
	case "savepoint":
		r.savepoints[step.As], err = txn.Savepoint()
		return nil, err
	}
	mark, err := lookUp(r.savepoints, step.Savepoint)
	if err != nil {
		return nil, err
	}
	if step.Op == "valid" {
		return txn.Valid(mark), nil
	}
	return nil, txn.Rollback(mark)
}

// commit tells what was written. A transaction that failed stays, until it is aborted.
func (r *runner) commit(actor string, txn *lovely.Txn) (any, error) {
	before := txn.State()
	err := txn.Commit()
	writes := []any{}
	report := txn.Report()
	if before == lovely.Failed {
		report = nil
	}
	slices.SortFunc(report, func(a, b lovely.ReportEntry) int {
		return strings.Compare(r.keys[a.Container]+"\x00"+a.ID, r.keys[b.Container]+"\x00"+b.ID)
	})
	for _, entry := range report {
		if !entry.Destroy {
			writes = append(writes, map[string]any{
				"container": r.keys[entry.Container], "id": entry.ID, "ttl": int64(entry.Timeout / time.Second),
				"stored": entry.Outcome == lovely.Stored,
			})
		}
	}
	if err == nil {
		delete(r.actors, actor)
		return map[string]any{"writes": writes}, nil
	}
	name := err.Error()
	if errors.Is(err, lovely.ErrFailed) {
		name = "TransactionFailedError"
	}
	return map[string]any{"writes": writes, "error": name}, nil
}

func (r *runner) performSession(step *step, s lovely.Session) (any, error) {
	switch step.Op {
	case "pkg":
		r.pkgs[step.As] = s.Pkg(step.Pkg)
		return r.pkgs[step.As].Content()
	case "pkg_peek", "pkg_in":
		pkg, err := s.Peek(step.Pkg)
		if step.Op == "pkg_in" && (err == nil || err == lovely.ErrNotFound) {
			return err == nil, nil
		}
		if err == lovely.ErrNotFound {
			return nil, nil
		}
		if step.As != "" {
			r.pkgs[step.As] = pkg
		}
		return pkg.Content()
	case "pkgs":
		return s.Pkgs()
	case "pkg_del":
		return nil, keyErrorUnless(s.DeletePkg(step.Pkg))
	case "pkg_set":
		pkg := s.Pkg(step.Pkg)
		if step.As != "" {
			r.pkgs[step.As] = pkg
		}
		return nil, pkg.Replace(value(step.Value))
	case "session_dump":
		return s.Content()
	case "session_clear":
		return nil, s.Clear()
	}
	accessed, err := s.Accessed()
	return r.seconds(accessed), err
}

func orKeyError(value any, err error) (any, error) {
	if err == lovely.ErrNotFound {
		return nil, errKey
	}
	return value, err
}

func keyErrorUnless(found bool, err error) error {
	if err == nil && !found {
		return errKey
	}
	return err
}

func (n nested) push(item any) error {
	list, err := orKeyError(n.pkg.Get(n.key))
	if err != nil {
		return err
	}
	items, ok := list.([]any)
	if !ok {
		return errAttribute
	}
	return n.pkg.Set(n.key, append(items, item))
}

func (r *runner) performPkg(step *step, pkg lovely.Pkg) (any, error) {
	switch step.Op {
	case "set":
		return nil, pkg.Set(step.Key, value(step.Value))
	case "get":
		return orKeyError(pkg.Get(step.Key))
	case "peek":
		got, err := pkg.Get(step.Key)
		if err == lovely.ErrNotFound {
			return value(step.Default), nil
		}
		return got, err
	case "del":
		return nil, keyErrorUnless(pkg.Delete(step.Key))
	case "in":
		return pkg.Has(step.Key)
	case "keys":
		return pkg.Keys()
	case "len":
		return pkg.Len()
	case "dump":
		return pkg.Content()
	case "clear":
		return nil, pkg.Clear()
	case "update":
		return nil, pkg.Update(value(step.Value))
	case "push":
		return nil, nested{pkg, step.Key}.push(value(step.Value))
	case "put_in":
		got, err := orKeyError(pkg.Get(step.Key))
		if err != nil {
			return nil, err
		}
		entries, ok := got.(map[string]any)
		if !ok {
			return nil, errAttribute
		}
		entries[step.Inner] = value(step.Value)
		return nil, pkg.Set(step.Key, entries)
	case "nested":
		r.nested[step.As] = nested{pkg, step.Key}
		return orKeyError(pkg.Get(step.Key))
	}
	return nil, errors.New("unknown operation " + step.Op)
}

func (r *runner) performWorld(step *step) (any, error) {
	container := r.containers[step.Container]
	switch step.Op {
	case "stored", "fresh_read":
		var content any
		err := r.store.View(context.Background(), func(txn *lovely.Txn) error {
			exists, err := txn.Exists(container, step.ID)
			if err != nil || step.Op == "stored" && !exists {
				return err
			}
			s, err := txn.Session(container, step.ID)
			if err == nil {
				content, err = s.Content()
			}
			return err
		})
		return content, err
	case "evict":
		err := r.store.Testing().Drop(container, step.ID)
		if err == lovely.ErrNotFound {
			err = nil
		}
		return nil, err
	case "server_down":
		r.isDown = true
		if r.relay != nil {
			r.relay.cut()
			return nil, nil
		}
		return nil, r.store.Testing().Fault(lovely.Fault{
			Kind: lovely.FaultUnavailable, Ops: lovely.FaultLoad | lovely.FaultWrite | lovely.FaultVersions,
		})
	case "server_up":
		r.isDown = false
		if r.relay != nil {
			r.relay.mend()
			return nil, nil
		}
		return nil, r.store.Testing().ClearFaults()
	case "clock":
		return nil, r.advance(step.Advance)
	case "configure":
		return nil, r.configure(step, container)
	case "container_last_access":
		accessed, err := container.LastAccess()
		return r.seconds(accessed), err
	}
	return nil, errors.New("unknown operation " + step.Op)
}

func (r *runner) advance(n int64) error {
	r.moments = append(r.moments, r.moments[len(r.moments)-1]+seconds(n))
	return r.store.Testing().Advance(seconds(n))
}

func (r *runner) configure(step *step, container *lovely.Container) error {
	if step.Timeout != nil {
		if err := container.Configure(lovely.WithTimeout(seconds(*step.Timeout))); err != nil {
			return err
		}
	}
	if step.Resolution != nil {
		if err := container.Configure(lovely.WithResolution(seconds(*step.Resolution))); err != nil {
			return err
		}
	}
	if step.LastAccessTime == nil {
		return nil
	}
	// As if nobody had come since then. Beyond the timeout it makes no difference for how long.
	now := r.clock + int64(r.moments[len(r.moments)-1]/time.Second)
	config, err := container.Config()
	if err != nil {
		return err
	}
	return r.advance(min(now-*step.LastAccessTime, int64(config.Timeout/time.Second)))
}

// seconds is a time of the store as a time of the trace. The trace's clock stands still between two moves, the store's does
// not: what lies behind a moment of the trace by no more than the time that the replay has taken so far is that moment.
func (r *runner) seconds(at time.Time) int64 {
	since, slack := at.Sub(r.start), time.Since(r.began)+time.Millisecond
	for _, moment := range slices.Backward(r.moments) {
		if behind := since - moment; behind >= 0 && behind <= slack {
			since = moment
			break
		}
	}
	return r.clock + int64(since/time.Second)
}
