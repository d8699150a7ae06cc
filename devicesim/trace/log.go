// Package trace logs what a simulated imKey and its hosts exchange, and says what it means.
//
// A [Log] is a bounded ring of [Event]s. A [Tracer] makes events of what passes a USB port: one for each packet, and one for
// each APDU with a text such as "BIND_CHECK → bound elsewhere" (core/PROTOCOL.md sections 2, 3, 5, 6).
//
// A trace may be copied into a bug report. It has only what was sent over USB, and the binding code, the PIN and the mnemonic
// phrase never are. A screen event has a caption from the device, which must not repeat what the screen shows.
package trace

import (
	"sync"
	"time"

	"imkey-connect/devicesim/internal/watch"
)

// The kinds of events.
const (
	KindPacket  = "packet"  // one packet of 64 bytes
	KindControl = "control" // one USB control request
	KindAPDU    = "apdu"    // one command or response
	KindPlug    = "plug"    // plugged, unplugged, bus reset, a host attached or detached
	KindScreen  = "screen"  // a caption of the device's screen
)

// The directions.
const (
	Out = "out" // host to device
	In  = "in"  // device to host
)

// Event is one line of a trace.
type Event struct {
	N    uint64    `json:"n"` // counts from 1
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Dir  string    `json:"dir,omitempty"` // Out, In or empty
	Hex  string    `json:"hex,omitempty"` // the bytes in lower case; a packet includes its padding
	Text string    `json:"text"`          // what the event means
	// Fault is why a packet or a control request failed, as "stalled". It is empty if it did not, and for other kinds.
	Fault string `json:"fault,omitempty"`
}

// Log is a bounded ring of events. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	size  int
	ring  []Event // grows to size, then wraps: event N is at (N-1) % size
	count uint64
	watch watch.Set
	tee   func(Event)
}

// DefaultSize is the default number of events that a log keeps: about 200 exchanges.
const DefaultSize = 2000

// NewLog returns a log that keeps the last size events. A size below 1 means DefaultSize. The log allocates memory as it
// grows.
func NewLog(size int) *Log {
	if size < 1 {
		size = DefaultSize
	}
	return &Log{size: size}
}

// Add appends an event and sets its number, and its time unless it has one. It does not wait for watchers.
func (l *Log) Add(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e.Time.IsZero() {
		e.Time = time.Now()
	}
	l.count++
	e.N = l.count
	if len(l.ring) < l.size {
		l.ring = append(l.ring, e)
	} else {
		l.ring[(e.N-1)%uint64(l.size)] = e
	}
	if l.tee != nil {
		l.tee(e)
	}
	l.watch.Notify()
}

// Tee calls f with every later event in order, including those that the ring drops. f must return soon, because the device
// waits for it, and must not call the log.
func (l *Log) Tee(f func(Event)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tee = f
}

// Events returns the events that the log has kept and whose N is greater than since, oldest first. If the first N is greater
// than since+1, the log has dropped events.
func (l *Log) Events(since uint64) []Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	first := l.count - uint64(len(l.ring)) // the N before the oldest kept
	since = max(since, first)
	if since >= l.count {
		return nil
	}
	events := make([]Event, 0, l.count-since)
	for n := since; n < l.count; n++ {
		events = append(events, l.ring[n%uint64(l.size)])
	}
	return events
}

// Watch returns a channel that receives a value after events were added, and a function that ends the watch. Several events
// may give one value.
func (l *Log) Watch() (<-chan struct{}, func()) { return l.watch.Add() }
