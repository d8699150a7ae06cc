//go:build js && wasm

package idb

import (
	"context"
	"time"

	"github.com/hack-pad/safejs"

	"imkey-connect/bridge/interop"
	"imkey-connect/core/errcode"
)

const (
	databaseName    = "imkey-connect"
	databaseVersion = 1
	keyStore        = "keys"
	recordStore     = "records"
	keyName         = "wrapping"
)

// openWithin bounds the opening of the database. It takes milliseconds; a broken browser may never open it.
const openWithin = 10 * time.Second

// connection is one open database.
type connection struct {
	db    safejs.Value
	lost  chan struct{} // closed when the browser or an upgrade closed the database
	ended chan struct{} // closed by close
	gone  *outcome
}

func (c *connection) isLost() bool {
	select {
	case <-c.lost:
		return true
	default:
		return false
	}
}

func (c *connection) close() {
	_, _ = interop.CallNow(c.db, "close")
	c.gone.stop()
	close(c.ended)
}

// watch closes the database when the browser or another tab wants to delete or upgrade it, so that this is not blocked.
func (c *connection) watch() {
	select {
	case <-c.gone.done:
		_, _ = interop.CallNow(c.db, "close")
		close(c.lost)
	case <-c.ended:
	}
}

// connect opens the database and creates missing object stores.
func (s *Store) connect(ctx context.Context) (*connection, error) {
	const op = "open the database"
	if !interop.IsObject(s.env.IndexedDB) {
		return nil, errcode.New(errcode.Storage, "this browser has no IndexedDB or blocks it")
	}
	request, err := interop.CallNow(s.env.IndexedDB, "open", databaseName, databaseVersion)
	if err != nil {
		return nil, failure(op, err)
	}
	stopUpgrade, err := interop.Listen(request, "upgradeneeded", func(safejs.Value) { upgrade(request) })
	if err != nil {
		return nil, failure(op, err)
	}
	defer stopUpgrade()
	opened, err := listen(request, "success", "error", "blocked")
	if err != nil {
		return nil, err
	}
	bound, stop := context.WithTimeout(ctx, openWithin)
	defer stop()
	select {
	case <-opened.done:
	case <-bound.Done():
		opened.stop()
		abandon(request)
		if ctx.Err() != nil {
			return nil, failure(op, ctx.Err())
		}
		return nil, errcode.New(errcode.Storage, "the database does not open")
	}
	switch opened.event {
	case "blocked":
		abandon(request)
		return nil, errcode.New(errcode.Storage, "another tab has an older version of the database open")
	case "error":
		return nil, errorOf(request, op)
	}
	db, err := interop.Get(request, "result")
	if err != nil {
		return nil, failure(op, err)
	}
	c := &connection{db: db, lost: make(chan struct{}), ended: make(chan struct{})}
	if c.gone, err = listen(db, "versionchange", "close"); err != nil {
		return nil, err
	}
	go c.watch()
	return c, nil
}

// upgrade creates the object stores. It must not wait, since the transaction of the upgrade ends with the event. If it fails,
// it aborts the transaction, and the request fails.
func upgrade(request safejs.Value) {
	db, err := interop.Get(request, "result")
	for _, name := range []string{keyStore, recordStore} {
		if err == nil {
			_, err = interop.CallNow(db, "createObjectStore", name)
		}
	}
	if err != nil {
		if tx, err := interop.Get(request, "transaction"); err == nil {
			_, _ = interop.CallNow(tx, "abort")
		}
	}
}

// abandon closes the database if it opens later, so that it blocks no other tab.
func abandon(request safejs.Value) {
	late, err := listen(request, "success", "error")
	if err != nil {
		return
	}
	go func() {
		<-late.done
		if db, err := interop.Get(request, "result"); err == nil {
			_, _ = interop.CallNow(db, "close")
		}
	}()
}

// with runs op on an open database. If the connection was closed meanwhile, it runs op a second time.
func (s *Store) with(ctx context.Context, op func(db safejs.Value) error) error {
	select {
	case s.turn <- struct{}{}:
		defer func() { <-s.turn }()
	case <-ctx.Done():
		return failure("wait for the database", ctx.Err())
	}
	for attempt := 0; ; attempt++ {
		if s.conn != nil && s.conn.isLost() {
			s.disconnect()
		}
		if s.conn == nil {
			c, err := s.connect(ctx)
			if err != nil {
				return err
			}
			s.conn = c
		}
		err := op(s.conn.db)
		// InvalidStateError means that the connection is closed, even if its event has not come yet.
		if err == nil || attempt > 0 || interop.NameOf(err) != "InvalidStateError" && !s.conn.isLost() || ctx.Err() != nil {
			return err
		}
		s.disconnect()
	}
}

func (s *Store) disconnect() {
	s.conn.close()
	s.conn = nil
}
