// Package bridge is where Go meets the browser. Below it lie
//
//   - interop: promises, errors, callbacks, abort signals and the reading of page values;
//   - webusb: an imKey behind a USBDevice object, as a transport.Link;
//   - weblock: the locks by which the pages of an origin keep out of each other's way;
//   - idb: the store of bindings in IndexedDB, encrypted with a key that no script can export;
//   - jsstore: the store of bindings that a page brings along;
//   - records: either store, with one writer at a time, and what it knows of each device.
//
// Only these packages and the command in wasm see a JavaScript value, and they import nothing of the project but core. The
// packages hold no Go globals of a page's making; everything that they need of the browser is handed to them, so that
// their tests hand them fakes.
//
// # The limits of safejs
//
// All of it goes through [github.com/hack-pad/safejs], which turns a thrown exception into an error. What it leaves open
// is dealt with in interop, once:
//
//   - Go's own wasm_exec.js does not catch what a getter or a proxy of the page throws while a property is read (Value.Get,
//     Index, Length), and safejs cannot: the exception unwinds Go's stack and the module is lost. interop.Get reads by a
//     call, which is caught, and interop.CallNow calls methods that way.
//   - Value.Type panics for a BigInt; interop.TypeOf does not, and interop.BigInt reads one.
//   - Value.String replaces half of a surrogate pair without a word; interop.Text refuses it.
//   - Value.Int truncates and Value.String describes what is no string; interop.Object reads strictly.
//   - A thrown exception is found by errors.As with a js.Error, not with a safejs.Error, and the Error method of a
//     js.Error that holds undefined panics; interop.Thrown makes an Exception of it.
//   - FuncOf neither recovers nor releases; interop.Callback recovers, and whoever makes one releases it.
//   - Arguments may be Value, Func, map[string]any and []any, but not []byte; interop.Uint8Array copies bytes.
package bridge
