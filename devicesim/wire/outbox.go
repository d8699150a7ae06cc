package wire

import "sync"

// outbox is what waits to be sent to one page. Its lock is the last one taken by anybody, so it may be filled from
// under the lock of a port.
type outbox struct {
	mu       sync.Mutex
	messages []any
	overflow bool
	filled   chan struct{} // holds a value when there is something to take
}

// maxOutbox is more than all that a page may have pending, and the events meanwhile.
const maxOutbox = 2 * maxPending

func newOutbox() *outbox { return &outbox{filled: make(chan struct{}, 1)} }

func (o *outbox) put(message any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) >= maxOutbox {
		o.overflow = true // the page does not read: take says so, and the page is dropped
	} else {
		o.messages = append(o.messages, message)
	}
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// take returns what there is, oldest first, and whether nothing was lost.
func (o *outbox) take() ([]any, bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	messages := o.messages
	o.messages = nil
	return messages, !o.overflow
}
