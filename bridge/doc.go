// Package bridge is the root of the packages between Go and the browser:
//
//   - interop: promises, errors, callbacks, abort signals, and reading the values of a page
//   - webusb: an imKey behind a USBDevice object, as a transport.Link
//   - handover: which page of an origin holds a device, and how another page takes it over
//   - weblock: the Web Locks of an origin
//   - idb: a store of records in IndexedDB, encrypted with a key that no script can export
//   - jsstore: a store of records that the page implements
//   - records: a store with one writer at a time, and what it says about devices
//
// Only these packages and the commands in wasm see JavaScript values. They import core and no other part of the project. They
// take everything that they need of the browser as arguments, so that tests can pass fakes.
//
// # The limits of safejs
//
// The packages call JavaScript through [github.com/hack-pad/safejs], which turns a thrown exception into an error. Package
// interop handles what safejs does not:
//
//   - Go's wasm_exec.js does not catch an exception in a getter or a proxy of the page while a property is read (Value.Get,
//     Index, Length). Neither can safejs: the exception unwinds Go's stack, and the module is lost. interop.Get reads by a call,
//     in which exceptions are caught, and interop.CallNow calls methods in the same way.
//   - Value.Type panics for a BigInt. interop.TypeOf does not, and interop.BigInt reads a BigInt.
//   - Value.String replaces a lone surrogate silently. interop.Text refuses it.
//   - Value.Int truncates, and Value.String accepts values that are not strings. interop.Object reads strictly.
//   - errors.As finds a thrown exception as a js.Error, not as a safejs.Error, and the Error method of a js.Error that holds
//     undefined panics. interop.Thrown makes an Exception of it.
//   - FuncOf neither recovers nor releases. interop.Callback recovers, and its caller releases it.
//   - Arguments may be Value, Func, map[string]any and []any, but not []byte. interop.Uint8Array copies bytes.
package bridge
