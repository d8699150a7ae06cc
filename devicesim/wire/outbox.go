package wire

import "sync"

// outbox holds the messages to send to one page. Its lock is taken last, so put may be called with any other lock held.
type outbox struct {
	mu       sync.Mutex
	messages []any
	overflow bool
	filled   chan struct{} // holds a value if there are messages
}

// maxOutbox is more than the replies to all pending transfers of a page, and the events meanwhile.
const maxOutbox = 2 * maxPending

func newOutbox() *outbox { return &outbox{filled: make(chan struct{}, 1)} }

func (o *outbox) put(message any) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.messages) >= maxOutbox {
		o.overflow = true // the page does not read, so its connection ends
	} else {
		o.messages = append(o.messages, message)
	}
	select {
	case o.filled <- struct{}{}:
	default:
	}
}

// take removes and returns the messages, oldest first. complete is false if messages were lost.
func (o *outbox) take() (messages []any, complete bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	messages = o.messages
	o.messages = nil
	return messages, !o.overflow
}
