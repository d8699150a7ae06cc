// The command backup is imkey-backup.wasm, which exports and imports bindings. It is a module of its own for two reasons: no
// first pairing needs it, and its memory, which held a passphrase and a record, ends with it. It opens the store itself, so
// that JavaScript sees a record only encrypted. A page with a store of its own, or with records in memory, sees them in the
// clear.
//
// It is started like imkey.wasm (see package wasm), and gives JavaScript one object, which web/sdk/client/backup.ts declares:
//
//	init({ makeError })
//	exportBinding(seid, passphrase, options)
//	importBinding(file, passphrase, options)
//	end()
//
// Key derivation takes one to two seconds, in which the thread of the module does nothing else. The SDK runs it in a worker.
package main
