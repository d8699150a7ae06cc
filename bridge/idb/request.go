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

// outcome waits for one of several events of an IndexedDB object. After the first event it removes its listeners.
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

// failure gives an exception of IndexedDB or WebCrypto an error code.
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

// errorOf returns an error for the error property of a request or transaction.
func errorOf(v safejs.Value, op string) error {
	reason, err := interop.Get(v, "error")
	if err != nil || interop.Absent(reason) {
		return errcode.New(errcode.Storage, op+" failed")
	}
	return failure(op, interop.NewException(reason))
}

// transaction is one IndexedDB transaction. All its requests are made at once: a transaction ends by itself when none of its
// requests is under way, so that it would end while a promise is awaited.
type transaction struct {
	op      string
	tx      safejs.Value
	outcome *outcome
}

// begin starts a transaction on one object store.
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

// wait waits until the transaction is complete. If the context ends, it aborts the transaction.
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

// waitWritten is wait for a transaction that writes. After an abort it waits for the outcome, since the transaction may be
// complete already.
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

// result returns the outcome of the transaction. ended, if not nil, is why the caller aborted it.
func (t *transaction) result(ended error) error {
	switch {
	case t.outcome.event == "complete":
		return nil
	case ended != nil:
		return failure(t.op, ended)
	}
	return errorOf(t.tx, t.op)
}
