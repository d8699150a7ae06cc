// Package idb keeps bindings in the browser's IndexedDB, as a [imkey-connect/core/binding.Store].
//
// # What is stored
//
// One database, imkey-connect, version 1, with two object stores. "keys" holds, under "wrapping", an AES-GCM key of 256
// bits that WebCrypto made and that no script can export. "records" holds, under a device's SEID, a Uint8Array:
//
//	version 01 ‖ IV, 12 random bytes, fresh for every write ‖ AES-GCM ciphertext and its tag of 16 bytes
//
// Additional data is origin ‖ 00 ‖ SEID ‖ 00 ‖ version, so that a record is good for one device and one origin alone. What
// does not authenticate, is cut, or is of another version is record-corrupt, and stays where it is.
//
// The key's protection is against reading, not against use: a script of the origin can have records decrypted while it
// runs, but cannot take the key away, and a copy of the database is of use only to the browser that understands it. A thief
// of the whole browser profile has both.
//
// # What is guaranteed
//
// Put returns nil only after the transaction's complete event, under durability "strict": the record has reached the disk,
// as far as the operating system says so. When Put fails or its context ends, the transaction was aborted and the record from
// before is still there, or, if it could no longer be aborted, Put waits for what becomes of it. Only a browser that answers
// nothing for half a minute leaves it open; the error is then storage.
//
// Two tabs that need the wrapping key at the same moment get the same one: each makes a key, each tries to add it in a
// transaction of its own, add fails where there is one already, and both then read the one that is there.
//
// Two Puts of one record: IndexedDB runs transactions that write the same object store one after another, across tabs, so
// the later one wins whole. A store cannot tell which of two records is worth more. That no bound record is lost to another
// tab's Put is due to who may write: a record is read, changed and written only by the one page of this origin that holds
// the device's Web Lock and its USB claim (package webusb), and a page that takes both over reads after whatever the page
// before wrote or began to write, since a read waits for the writes begun before it.
//
// The database going away, because its person cleared the site's data or another version of this program upgrades it, closes
// the connection; the next call opens it again. Nothing waits for ever: a blocked opening is storage.
package idb
