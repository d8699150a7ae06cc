package usb

import "sync"

// calls runs functions one at a time in the order in which they were added. It has no
// goroutine: a caller of run that finds no other running runs them all. So a Function
// is never called with the port's lock held, and may call the Port.
type calls struct {
	mu      sync.Mutex
	queue   []func()
	running bool
}

func (c *calls) add(f func()) {
	c.mu.Lock()
	c.queue = append(c.queue, f)
	c.mu.Unlock()
}

func (c *calls) run() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.running {
		return
	}
	c.running = true
	defer func() { c.running = false }() // also when a Function panics
	for len(c.queue) > 0 {
		f := c.queue[0]
		c.queue = c.queue[1:]
		func() {
			c.mu.Unlock()
			defer c.mu.Lock()
			f()
		}()
	}
	c.queue = nil
}
