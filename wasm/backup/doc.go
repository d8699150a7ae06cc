// The command backup is imkey-backup.wasm, which exports bindings and imports them. It is a module of its own, loaded when
// somebody asks for that, because no first pairing needs what it brings; and because its memory, which a passphrase and a
// record were in, ends with it. It opens the store itself: a record never crosses JavaScript but encrypted, unless the page
// brought a store of its own or keeps its records in memory.
//
// It is started as imkey.wasm is (package wasm), and hands over one object, which web/sdk/client/backup.ts declares:
//
//	init({ makeError })
//	exportBinding(seid, passphrase, options)
//	importBinding(file, passphrase, options)
//	end()
//
// While the passphrase is stretched, which takes a second or two, this module's thread does nothing else.
package main
