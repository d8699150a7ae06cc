//go:build js && wasm

package idb

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

// outcome waits for one of several events of an IndexedDB object, and takes all its listeners off after the first.
type outcome struct {
	done  chan struct{}
	event string
	once  sync.Once
	stops []func()
}

func listen(target safejs.Value, events ...string) (*outcome, error) {
	o := &outcome{done: make(chan struct{})}
	for _, name := range events {
		stop, err := interop.Listen(target, name, func(safejs.Value) {
			o.once.Do(func() {
				o.event = name
				o.stop()
				close(o.done)
			})
		})
		if err != nil {
			o.stop()
			return nil, failure("listen", err)
		}
		o.stops = append(o.stops, stop)
	}
	return o, nil
}

func (o *outcome) stop() {
	for _, stop := range o.stops {
		stop()
	}
}

// failure gives an exception of IndexedDB or WebCrypto its code.
func failure(op string, err error) error {
	var e *errcode.Error
	switch {
	case errors.As(err, &e):
		return err
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return errcode.FromContext(op, err)
	case interop.NameOf(err) == "QuotaExceededError":
		return errcode.Wrap(errcode.StorageFull, op, err)
	}
	return errcode.Wrap(errcode.Storage, op, err)
}

// errorOf reads the error property of a request or transaction.
func errorOf(v safejs.Value, op string) error {
	reason, err := interop.Get(v, "error")
	if err != nil || interop.Absent(reason) {
		return errcode.New(errcode.Storage, op+" failed")
	}
	return failure(op, interop.NewException(reason))
}

// transaction is one IndexedDB transaction whose requests are all made at once: a transaction ends by itself as soon as
// nothing of it is under way, which a promise awaited in between would be too late for.
type transaction struct {
	op      string
	tx      safejs.Value
	outcome *outcome
}

// begin starts a transaction over one object store.
func begin(db safejs.Value, op, store, mode string) (*transaction, safejs.Value, error) {
	none := safejs.Undefined()
	tx, err := interop.CallNow(db, "transaction", store, mode, map[string]any{"durability": "strict"})
	if err != nil {
		return nil, none, failure(op, err)
	}
	t := &transaction{op: op, tx: tx}
	if t.outcome, err = listen(tx, "complete", "abort"); err != nil {
		return nil, none, err
	}
	objects, err := interop.CallNow(tx, "objectStore", store)
	if err != nil {
		t.abort()
		t.outcome.stop()
		return nil, none, failure(op, err)
	}
	return t, objects, nil
}

func (t *transaction) abort() { _, _ = interop.CallNow(t.tx, "abort") }

// wait waits until the transaction is complete; a context that ends aborts it.
func (t *transaction) wait(ctx context.Context) error {
	select {
	case <-t.outcome.done:
		return t.result(nil)
	case <-ctx.Done():
		t.abort()
		t.outcome.stop()
		return failure(t.op, ctx.Err())
	}
}

// waitWritten is wait for a transaction that changes something: after an abort, what becomes of it decides, since it may
// have gone too far for that.
func (t *transaction) waitWritten(ctx context.Context) error {
	select {
	case <-t.outcome.done:
		return t.result(nil)
	case <-ctx.Done():
		t.abort()
	}
	timer := time.NewTimer(callWithin)
	defer timer.Stop()
	select {
	case <-t.outcome.done:
		return t.result(ctx.Err())
	case <-timer.C:
		t.outcome.stop()
		return errcode.New(errcode.Storage, t.op+": the browser does not answer")
	}
}

// result is what became of the transaction; ended is why it was aborted, if we did that.
func (t *transaction) result(ended error) error {
	switch {
	case t.outcome.event == "complete":
		return nil
	case ended != nil:
		return failure(t.op, ended)
	}
	return errorOf(t.tx, t.op)
}
