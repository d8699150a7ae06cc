// Package watch notifies goroutines of changes.
package watch

import "sync"

// Set is a set of watchers. The zero value is empty. It is safe for concurrent use, and calls nothing with its lock held.
type Set struct {
	mu       sync.Mutex
	channels map[chan struct{}]struct{}
}

// Add returns a channel that receives a value after each Notify, and a function that ends the watch. Several Notify may give
// one value.
func (s *Set) Add() (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.channels == nil {
		s.channels = map[chan struct{}]struct{}{}
	}
	s.channels[c] = struct{}{}
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.channels, c)
	}
}

// Notify notifies all watchers. It does not block.
func (s *Set) Notify() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.channels {
		select {
		case c <- struct{}{}:
		default: // a value is waiting there already
		}
	}
}
