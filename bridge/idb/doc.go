// Package idb keeps records in the browser's IndexedDB. It implements [imkey-connect/core/binding.Store].
//
// # What is stored
//
// The database is imkey-connect, version 1. It has two object stores. "keys" has an AES-GCM key of 256 bits under "wrapping",
// which WebCrypto generated and no script can export. "records" has a Uint8Array under the SEID of each device:
//
//	version 01 ‖ IV (12 bytes, random for every write) ‖ AES-GCM ciphertext with a tag of 16 bytes
//
// The additional data is origin ‖ 00 ‖ SEID ‖ 00 ‖ version, so that a record is valid for one device and one origin only. A
// record that does not authenticate, is truncated, or has another version is record-corrupt, and is not removed.
//
// The key cannot be read, but it can be used: a script of the origin can decrypt records while it runs, but it cannot export
// the key. A copy of the database alone is useless to an attacker without this browser. An attacker with a copy of the whole
// browser profile has both.
//
// # What is guaranteed
//
// Put returns nil only after the complete event of a transaction with durability "strict": then the record is on the disk, as
// far as the operating system reports it. If Put fails or its context ends, the transaction was aborted and the earlier record
// is still there. If the transaction could not be aborted any more, Put waits for its outcome. Only if the browser does not
// answer for half a minute does the outcome stay unknown; the error is then storage.
//
// Two tabs that need the wrapping key at the same time get the same key: each generates a key and tries to add it in a
// transaction. add fails if there is a key already. Both tabs then read the stored key.
//
// IndexedDB runs transactions that write the same object store one after another, for all tabs. So if two tabs put the same
// record, the later Put wins. No bound record is lost in this way, since only one page writes it at a time: the page that
// has the record's lock (package records). A page that gets the lock reads what the earlier page wrote or began to write,
// since a read waits for the writes before it.
//
// If the user clears the site's data, or if another version of this program upgrades the database, the connection is closed. The
// next call opens it again. A blocked opening does not wait for ever: its error is storage.
package idb
