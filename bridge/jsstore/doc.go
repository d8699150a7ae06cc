// Package jsstore is a store of records that the page implements: an object with get, put, delete and list.
//
//	get(seid: string): Promise<Uint8Array | undefined>
//	put(seid: string, record: Uint8Array): Promise<void>    settles when the record is durable
//	delete(seid: string): Promise<void>
//	list(): Promise<string[]>
//
// Records hold private keys. The page's object gets them in the clear and should encrypt them.
package jsstore
