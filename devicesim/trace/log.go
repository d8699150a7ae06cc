// Package trace keeps what a simulated imKey exchanged with its hosts, in words.
//
// A [Log] is a bounded ring of [Event]s. A [Recorder] turns what passes a USB port into events: each packet on its
// own, and each whole APDU as a sentence such as "BIND_CHECK → bound elsewhere" (core/PROTOCOL.md sections 2, 3, 5, 6).
//
// A trace may be copied into a bug report. Everything in it crossed the wire, and the binding code, the PIN and the
// mnemonic never do; screen events are captions given by the device and must not repeat what the screen shows.
package trace

import (
	"sync"
	"time"
)

// The kinds of events.
const (
	KindPacket  = "packet"  // one 64-byte packet, as sent
	KindControl = "control" // one USB control request
	KindAPDU    = "apdu"    // one whole command or response
	KindPlug    = "plug"    // plugged, unplugged, bus reset, power cut, a host coming or going
	KindScreen  = "screen"  // the device's screen or buttons, as a caption
)

// The directions, as USB names them: seen from the host.
const (
	Out = "out" // host to device
	In  = "in"  // device to host
)

// Event is one line of a trace.
type Event struct {
	N    uint64    `json:"n"` // counts from 1 since the log was made
	Time time.Time `json:"time"`
	Kind string    `json:"kind"`
	Dir  string    `json:"dir,omitempty"` // Out, In or empty
	Hex  string    `json:"hex,omitempty"` // the bytes, lower case; a packet includes its padding
	Text string    `json:"text"`          // the event in words
}

// Log is a bounded ring of events. It is safe for concurrent use.
type Log struct {
	mu       sync.Mutex
	size     int
	ring     []Event // grows to size, then wraps: event N sits at (N-1) % size
	count    uint64
	watchers map[chan struct{}]struct{}
	tee      func(Event)
}

// DefaultSize is the number of events that NewLog keeps when it is given no size: about 200 whole exchanges.
const DefaultSize = 2000

// NewLog returns a log that keeps the last size events; size below 1 means DefaultSize. The memory is taken as the
// log fills.
func NewLog(size int) *Log {
	if size < 1 {
		size = DefaultSize
	}
	return &Log{size: size, watchers: make(map[chan struct{}]struct{})}
}

// Add appends e, numbers it, and dates it now unless it carries a time. It never blocks on a watcher.
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
	for w := range l.watchers {
		select {
		case w <- struct{}{}:
		default: // a signal is pending already
		}
	}
}

// Tee has f told of every event from now on, in order, also of those that the ring drops later. f must return soon and must not
// call the log; whoever waits for the device waits for f.
func (l *Log) Tee(f func(Event)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tee = f
}

// Events returns the kept events whose N is greater than since, oldest first. A gap in N at the start tells that
// older ones were dropped.
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

// Watch returns a channel that receives after events were added, several additions collapsing into one signal, and
// a function that ends the watch.
func (l *Log) Watch() (<-chan struct{}, func()) {
	w := make(chan struct{}, 1)
	l.mu.Lock()
	l.watchers[w] = struct{}{}
	l.mu.Unlock()
	return w, func() {
		l.mu.Lock()
		delete(l.watchers, w)
		l.mu.Unlock()
	}
}
