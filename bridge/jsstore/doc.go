// Package jsstore lets a page bring its own store of bindings: an object with get, put, delete and list.
//
//	get(seid: string): Promise<Uint8Array | undefined>
//	put(seid: string, record: Uint8Array): Promise<void>    settles when the record is durable
//	delete(seid: string): Promise<void>
//	list(): Promise<string[]>
//
// Records hold private keys, and reach the page's object in the clear: encrypting them is its part.
package jsstore
