// The command wasm is imkey.wasm: the Go side of imkey.js. It hands one object, the core, to the script that started it, and
// then waits to be called; it puts nothing on the page's global object and holds nothing of the page but what it was given.
//
// The script passes the name of a property as its first argument. Under that name lies a function on the global object;
// the command takes it, deletes the property and calls it once with the core:
//
//	init({ makeError })            how errors are made: makeError(code, message, statusWord, retryable, data)
//	open(device, options)          a promise of an open device
//
// The device's methods are documented with their TypeScript declaration, web/sdk/client/core.ts. Every call returns a promise,
// is read strictly, and rejects with an error of a stable code; a panic inside rejects with internal and ends nothing.
//
// A device's ethereum object signs. What is to be signed is read into Go before the call returns, so that nothing that the page
// does afterwards changes it; an error of code invalid-argument says where (data.at) and why (data.reason). A result's
// warnings are "unbound", "unverified-device" and "blind".
//
// Strings are the one thing that cannot be wiped: a binding code that a page passes or reveals is a JavaScript string, which
// stays in memory until the browser needs the room. So does the copy that Go makes of it.
package main
