// Package interop is the one way across the border between Go and JavaScript.
//
// From JavaScript into Go, [Exporter.Func] makes a function that returns a promise: the Go function runs on a goroutine of
// its own, may block, and a panic in it rejects the promise with code internal and leaves the module alive. Errors become
// what the page's error factory makes of them, with a stable code.
//
// From Go into JavaScript, [Await] waits for a promise within a context, [Listen] for events, and [WithSignal] ties a
// context to an AbortSignal. What JavaScript throws or rejects with becomes an [Exception].
//
// Values of a page are read once, into Go values, and strictly: [ReadObject], and [ReadTree] for data of any shape.
//
// Every js.Func that this package makes is released on every path, with two exceptions that are in the nature of things:
// an exported function lives as long as the module, and the callbacks on a promise live until it settles. No timer polls.
package interop
