// Package interop has everything that crosses between Go and JavaScript.
//
// JavaScript calls Go: [Exporter.Func] makes a function that returns a promise. The Go function runs on its own goroutine and may
// block. A panic in it rejects the promise with code internal, and the module goes on. The page's error factory makes the
// errors, which have a stable code. [Start] gives the module's object to the page.
//
// Go calls JavaScript: [Call] and [Watch] wait for a promise within a context, [Listen] waits for events, and [WithSignal] cancels
// a context by an AbortSignal. An exception or rejection becomes an [Exception].
//
// Values of a page are read once and strictly into Go values: by [ReadObject], or by [ReadTree] for data of any shape.
//
// Every js.Func that this package makes is released, except exported functions, which exist as long as the module. The callbacks
// of a promise are released when it settles. Nothing polls with timers.
package interop
