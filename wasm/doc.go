// The command wasm is imkey.wasm, the Go part of imkey.js, and imkey-coins.wasm, the same with all coins. With the build tag nocoins it
// has Ethereum only, so that a first pairing downloads less. It gives one object, the core, to the script that starts it, and then
// waits for calls. It sets no property of the global object, and keeps no value of the page except those that it was given.
//
// The script passes the name of a property as the first argument. The property is a function on the global object. The
// command deletes the property and calls the function once with the core:
//
//	init({ makeError, recordChanged })   makeError(code, message, statusWord, retryable, data) makes the errors of rejections
//	open(device, options)                a promise of an open device
//	known, rename, forget, reread        the records: records.go
//	describe(operation, value, options)  what the device would show: ethereum.go
//	memory                               the store in memory, for the module that exports and imports
//	suspend(busy)                        releases all devices of a page that is about to be frozen, or those that are busy
//
// web/sdk/client/core.ts declares them and documents the methods of a device. Every call returns a promise and reads its
// arguments strictly, each property once. It rejects with an error that has a stable code. A panic rejects with internal, and
// the module goes on.
//
// The files: core.go (the object), device.go (a device and its own methods), options.go (options of all calls), signing.go
// (options and binding of calls that need the wallet), ethereum.go and ethereum_transaction.go (one coin), tron.go and cosmos.go (others),
// records.go, handover.go (another tab takes over, the page is frozen). A new coin is one file with its methods, which are in the
// table otherCoins.
//
// A coin's method reads what is to be signed into Go before it returns, so that later changes by the page have no effect. An
// invalid-argument error says where (data.at) and why (data.reason). The warnings of a result are "unbound",
// "unverified-device" and "blind".
//
// Strings cannot be wiped. A binding code that a page passes or reveals is a JavaScript string, and stays in memory, like Go's
// copy, until garbage collection.
package main
