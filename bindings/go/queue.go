package lovely

// #include <stdlib.h>
// #include "bridge.h"
import "C"

import (
	"context"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"
)

// A queue runs what asks memcached, for many goroutines at once, on a few connections. A goroutine that waits holds no
// thread. One goroutine leads: it sleeps in Go's poller until something happens, and wakes those whose operations are
// finished. Who finds nobody leading leads until its own operation is finished, so that one goroutine alone is woken by the
// poller itself; if others wait by then, the dispatcher goes on until nobody does.
type queue struct {
	uses
	raw        *C.ls_queue
	file       *os.File
	connection syscall.RawConn
	// flushing is set while a goroutine is about to send what was started.
	flushing atomic.Bool

	// mutex is held for each call on raw, none of which waits for a server: a goroutine that waits for another one's call holds
	// no thread, as it would inside of the library.
	mutex sync.Mutex
	// waiting has the operations that are under way, at the places that the library knows them by.
	waiting []*operation
	unused  []int
	// isLed tells whether one of them leads, or the dispatcher.
	isLed bool
	// leader is the operation whose goroutine leads, if one of them does and its context can end.
	leader *operation
	// glance has the leader watched when it goes off, which it will if isGlancing.
	glance     *time.Timer
	isGlancing bool
	// dispatch has something when the dispatcher is to lead; closed, it ends it.
	dispatch chan struct{}
	// memory is where the library writes while mutex is held.
	memory *C.lovely_queue_memory
}

// operation is one that is under way. Unless its goroutine leads, it is woken when it is finished.
type operation struct {
	queue      *queue
	wake       chan struct{}
	isFinished bool
	session    *C.ls_session
	err        error
	// next is what is finished too, and not woken yet.
	next *operation
	// look takes what is finished for its goroutine, which leads.
	look func(uintptr) bool
	// hasYielded is set once its goroutine, which leads, has let others go first.
	hasYielded bool
	// ctx and number are those of the one that leads; unwatch ends the watch on its context, if that has begun.
	ctx     context.Context
	number  C.uint64_t
	unwatch func() bool
}

var operations = sync.Pool{New: func() any {
	o := &operation{wake: make(chan struct{}, 1)}
	o.look = o.lookTwice
	return o
}}

// handOut is how many finished operations are taken at once.
const handOut = C.LOVELY_HAND_OUT

// newQueue makes a queue.
func newQueue() (*queue, error) {
	var (
		raw    *C.ls_queue
		detail C.ls_error
	)
	if err := failure(C.ls_queue_new(&raw, &detail), &detail); err != nil {
		return nil, err
	}
	count(+1)
	q := &queue{raw: raw, dispatch: make(chan struct{}, 1)}
	q.glance = time.AfterFunc(time.Hour, q.watch)
	q.glance.Stop()
	// Memory of C, which the checks of what is passed to C need not look through.
	q.memory = (*C.lovely_queue_memory)(C.calloc(1, C.sizeof_lovely_queue_memory))
	var err error
	if q.file, err = pollable(raw); err == nil {
		q.connection, err = q.file.SyscallConn()
	}
	if err == nil {
		// What is started is sent by flush, once for all that run in a round of the scheduler.
		err = failure(C.ls_queue_set(raw, C.LS_QUEUE_CORK, 1, &detail), &detail)
	}
	if err != nil {
		q.free()
		return nil, err
	}
	go q.dispatcher()
	return q, nil
}

// free frees the queue. Nothing is under way then.
func (q *queue) free() {
	close(q.dispatch)
	q.glance.Stop()
	if q.file != nil {
		_ = q.file.Close()
	}
	q.mutex.Lock()
	defer q.mutex.Unlock()
	C.free(unsafe.Pointer(q.memory))
	C.ls_queue_free(q.raw)
	q.raw = nil
	count(-1)
}

// pollable gives Go's poller a descriptor of its own: one that the library closed would never wake anybody.
func pollable(raw *C.ls_queue) (*os.File, error) {
	syscall.ForkLock.RLock()
	descriptor, err := syscall.Dup(int(C.ls_queue_fd(raw)))
	if err == nil {
		syscall.CloseOnExec(descriptor)
	}
	syscall.ForkLock.RUnlock()
	if err == nil {
		err = syscall.SetNonblock(descriptor, true)
	}
	if err != nil {
		return nil, &Error{Status: ErrUnavailable, Message: "a queue cannot be watched", cause: err}
	}
	return os.NewFile(uintptr(descriptor), "lovely queue"), nil
}

// dispatcher leads when it is told to, until nobody waits.
func (q *queue) dispatcher() {
	look := func(uintptr) bool { return q.look(nil) }
	for range q.dispatch {
		q.lead(look)
	}
}

// lead looks for what is finished until look says that it is enough.
func (q *queue) lead(look func(uintptr) bool) {
	// The poller calls it once before it waits, for what happened before it watched. It has no reason to fail; if it does,
	// nobody must be left alone.
	if q.connection.Read(look) != nil {
		for !look(0) {
			time.Sleep(time.Millisecond)
		}
	}
}

// look takes what is finished, and wakes who waits for it. The operation whose goroutine leads has enough when it is finished
// itself; the dispatcher, which is nil, when nobody waits.
func (q *queue) look(leading *operation) bool {
	q.mutex.Lock()
	finished := q.drain()
	isAwaited := len(q.waiting) > len(q.unused)
	isEnough := !isAwaited
	if leading != nil {
		isEnough = leading.isFinished
	}
	if isEnough {
		q.isLed, q.leader = isAwaited, nil
	}
	q.mutex.Unlock()
	// Who is woken wants the mutex soon.
	for finished != nil {
		operation := finished
		finished, operation.next = operation.next, nil
		if operation != leading {
			operation.wake <- struct{}{}
		}
	}
	if isEnough && isAwaited {
		q.dispatch <- struct{}{}
	}
	return isEnough
}

// lookTwice looks for the goroutine of an operation that leads. The first time, alone, it lets go of the processor and looks
// again before it sleeps: a server on this machine has often answered by then, and the answer to the next request comes as
// soon. With one goroutine on two processors a cycle took 190 us and 120 of processor time without, 55 and 55 with it.
func (o *operation) lookTwice(uintptr) bool {
	q := o.queue
	if q.look(o) {
		return true
	}
	if o.hasYielded || q.isShared() {
		return false
	}
	o.hasYielded = true
	runtime.Gosched()
	return q.look(o)
}

// drain takes what is finished, a list.
func (q *queue) drain() (first *operation) {
	last := &first
	for {
		// The only failure that there is here is that the system cannot wait just now; then it is tried again.
		if C.lovely_queue_wait(q.raw, C.uintptr_t(uintptr(unsafe.Pointer(q.memory)))) != C.LS_OK {
			return first
		}
		number := q.memory.count
		for i := range q.memory.finished[:number] {
			completion := &q.memory.finished[i]
			operation := q.take(int(completion.user_data))
			operation.session, operation.err = completion.session, failure(completion.status, &completion.error)
			operation.isFinished = true
			*last, last = operation, &operation.next
		}
		// Fewer than there is room for is all that there was.
		if number < handOut {
			return first
		}
	}
}

// put keeps an operation until its place is taken.
func (q *queue) put(operation *operation) int {
	if last := len(q.unused) - 1; last >= 0 {
		place := q.unused[last]
		q.unused = q.unused[:last]
		q.waiting[place] = operation
		return place
	}
	q.waiting = append(q.waiting, operation)
	return len(q.waiting) - 1
}

func (q *queue) take(place int) *operation {
	operation := q.waiting[place]
	q.waiting[place] = nil
	q.unused = append(q.unused, place)
	return operation
}

// start is a call that starts an operation on a queue, under a place of it; it writes to its memory.
type start func(raw *C.ls_queue, place C.uint64_t, number *C.uint64_t, detail *C.ls_error) C.int32_t

// run starts an operation and sleeps until it is finished, or until it is cancelled because the context ended. The caller has
// entered the queue.
func (q *queue) run(ctx context.Context, start start) (*C.ls_session, error) {
	operation := operations.Get().(*operation)
	defer operation.release()
	operation.queue = q
	q.mutex.Lock()
	place := q.put(operation)
	rc := start(q.raw, C.uint64_t(place), &q.memory.number, &q.memory.err)
	if rc != C.LS_OK {
		q.take(place)
		err := failure(rc, &q.memory.err)
		q.mutex.Unlock()
		return nil, err
	}
	number := q.memory.number
	leads := !q.isLed
	if leads {
		q.leadBy(ctx, operation, number)
	}
	q.mutex.Unlock()

	// Alone, it is sent by the first look.
	if !leads || q.isShared() {
		q.flush()
	}
	if leads {
		q.lead(operation.look)
	} else if done := ctx.Done(); done == nil {
		<-operation.wake
	} else {
		select {
		case <-operation.wake:
		case <-done:
			q.cancel(number)
			<-operation.wake
		}
	}
	return operation.session, because(ctx, operation.err)
}

// glanceAfter is how long the operation that leads may last before its context is watched: most are finished by then, and a
// watch costs more than all else that is done for them here.
const glanceAfter = 2 * time.Millisecond

// leadBy has the goroutine of an operation lead. A context does not wake who sleeps in the poller; what is cancelled does.
func (q *queue) leadBy(ctx context.Context, operation *operation, number C.uint64_t) {
	q.isLed = true
	if ctx.Done() == nil {
		return
	}
	q.leader, operation.ctx, operation.number = operation, ctx, number
	if !q.isGlancing {
		q.isGlancing = true
		q.glance.Reset(glanceAfter)
	}
}

// watch has the operation that leads cancelled when its context ends.
func (q *queue) watch() {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	q.isGlancing = false
	if leader := q.leader; leader != nil {
		number := leader.number
		leader.unwatch = context.AfterFunc(leader.ctx, func() { q.cancel(number) })
	}
}

// release keeps it for the next one. It is finished, or was never started, and does not lead any more.
func (o *operation) release() {
	if o.unwatch != nil {
		o.unwatch()
	}
	*o = operation{wake: o.wake, look: o.look}
	operations.Put(o)
}

// cancel cancels an operation, if it is still under way.
func (q *queue) cancel(number C.uint64_t) {
	q.mutex.Lock()
	defer q.mutex.Unlock()
	if q.raw != nil {
		C.ls_queue_cancel(q.raw, number, &q.memory.err)
	}
}

// because adds to a failure that the context ended, if that is why.
func because(ctx context.Context, err error) error {
	failed, ok := err.(*Error)
	if !ok || ctx.Err() == nil {
		return err
	}
	switch failed.Status {
	case ErrCancelled:
		return ended(ctx)
	case ErrTimeout, ErrUnknown, ErrPartial:
		failed.cause = causeOf(ctx)
	}
	return failed
}

// flush sends what was started. The first goroutine that comes lets the others of this round go first, so that one send is
// for all of them.
func (q *queue) flush() {
	if q.flushing.CompareAndSwap(false, true) {
		if q.isShared() {
			runtime.Gosched()
		}
		q.flushing.Store(false)
		// What cannot be sent comes out as finished.
		q.mutex.Lock()
		C.ls_queue_flush(q.raw, &q.memory.err)
		q.mutex.Unlock()
	}
}

// queues are those of the process: one for each processor, while any store on memcached is open.
type queues struct {
	all []*queue
	// near gives each processor the same queue again.
	near sync.Pool
	next atomic.Uint32
}

var (
	shared      *queues
	sharedUsers int
	sharedMutex sync.Mutex
)

// useQueues returns the queues for one more store.
func useQueues() (*queues, error) {
	sharedMutex.Lock()
	defer sharedMutex.Unlock()
	if sharedUsers == 0 {
		made := &queues{}
		for range runtime.GOMAXPROCS(0) {
			q, err := newQueue()
			if err != nil {
				made.close()
				return nil, err
			}
			made.all = append(made.all, q)
		}
		made.near.New = func() any { return made.all[int(made.next.Add(1))%len(made.all)] }
		shared = made
	}
	sharedUsers++
	return shared, nil
}

// leaveQueues is the end of a store's use; the last one closes the queues.
func leaveQueues() {
	sharedMutex.Lock()
	defer sharedMutex.Unlock()
	if sharedUsers--; sharedUsers == 0 {
		shared.close()
		shared = nil
	}
}

func (s *queues) close() {
	for _, q := range s.all {
		q.close(q.free)
	}
}

// enter returns the queue of this processor, to be left with leave; nil if the queues are closed.
func (s *queues) enter() *queue {
	if s == nil {
		return nil
	}
	q := s.near.Get().(*queue)
	s.near.Put(q)
	if !q.enter(q.free) {
		return nil
	}
	return q
}

func (q *queue) done() { q.leave(q.free) }
