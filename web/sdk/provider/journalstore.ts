import { abortedByCaller } from './refusal'

/** JournalStore keeps values by key, and gives work its turn. What it lists is a claim: any script of the origin can write there. */
export interface JournalStore {
  /** Whether only this page can have written the values. */
  readonly trusted: boolean
  /** Resolves to the keys that begin with the prefix, and their values. */
  list(prefix: string): Promise<[key: string, value: unknown][]>
  /** Resolves when the value survives a crash of the page. */
  put(key: string, value: unknown): Promise<void>
  delete(key: string): Promise<void>
  /** Does the work while nothing else does work of that name with this store. A signal that aborts before that rejects at once. */
  exclusive<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>
}

/** MemoryStore lasts as long as the page. */
export class MemoryStore implements JournalStore {
  readonly trusted = true
  readonly #values = new Map<string, unknown>()
  readonly #last = new Map<string, Promise<unknown>>()

  async list(prefix: string): Promise<[string, unknown][]> {
    return [...this.#values].filter(([key]) => key.startsWith(prefix))
  }

  async put(key: string, value: unknown) {
    this.#values.set(key, value)
  }

  async delete(key: string) {
    this.#values.delete(key)
  }

  exclusive<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let out = false
      const giveUp = () => {
        out = true
        reject(abortedByCaller(signal))
      }
      if (signal?.aborted) return giveUp()
      signal?.addEventListener('abort', giveUp, { once: true })
      const turn = (this.#last.get(name) ?? Promise.resolve()).then(async () => {
        signal?.removeEventListener('abort', giveUp)
        if (!out) await work().then(resolve, reject)
      })
      this.#last.set(name, turn)
    })
  }
}

const databaseName = 'imkey-connect journal'
const tableName = 'signed'

/**
 * BrowserStore keeps values in IndexedDB, which the tabs and workers of an origin share, and takes turns by Web Locks. What IndexedDB
 * does not take, because it is blocked or full, stays in memory.
 */
class BrowserStore implements JournalStore {
  readonly trusted = false
  readonly #memory = new MemoryStore()
  #opened: Promise<IDBDatabase> | undefined

  async list(prefix: string): Promise<[string, unknown][]> {
    const kept = await this.#do('readonly', (table) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const [keys, values] = [table.getAllKeys(range), table.getAll(range)]
      return () => keys.result.map((key, i): [string, unknown] => [key as string, values.result[i]])
    }).catch(() => [])
    return [...new Map([...kept, ...(await this.#memory.list(prefix))])] // what is in memory is newer
  }

  async put(key: string, value: unknown): Promise<void> {
    try {
      await this.#do('readwrite', (table) => (table.put(value, key), () => {}))
      await this.#memory.delete(key)
    } catch {
      await this.#memory.put(key, value)
    }
  }

  async delete(key: string): Promise<void> {
    await this.#memory.delete(key)
    await this.#do('readwrite', (table) => (table.delete(key), () => {})).catch(() => {})
  }

  async exclusive<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    const { locks } = navigator
    if (!locks) return this.#memory.exclusive(name, signal, work)
    let begun = false
    return locks
      .request(`${databaseName} ${name}`, signal ? { signal } : {}, () => ((begun = true), work()))
      .catch((thrown: unknown) => {
        if (begun) throw thrown
        if (signal?.aborted) throw abortedByCaller(signal)
        return this.#memory.exclusive(name, signal, work) // a sandboxed frame has no locks
      }) as Promise<T>
  }

  /** #do resolves when the transaction is complete, to what the function that act returns gives then. */
  async #do<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => () => T): Promise<T> {
    const database = await (this.#opened ??= open(() => (this.#opened = undefined)))
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(tableName, mode, { durability: 'strict' })
      const result = act(transaction.objectStore(tableName))
      transaction.oncomplete = () => resolve(result())
      transaction.onabort = () => reject(transaction.error)
    })
  }
}

/** open calls closed when the database cannot be used any more: the user cleared the site's data, for example. */
function open(closed: () => void): Promise<IDBDatabase> {
  return new Promise<IDBDatabase>((resolve, reject) => {
    const request = indexedDB.open(databaseName, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(tableName)
    request.onsuccess = () => {
      const database = request.result
      database.onclose = closed
      database.onversionchange = () => (closed(), database.close())
      resolve(database)
    }
    request.onerror = () => (closed(), reject(request.error))
  })
}

let browserStore: BrowserStore | undefined
const memoryStores = new WeakMap<object, MemoryStore>()

/**
 * journalStore gives the origin's store. Where there is no IndexedDB, as in Node, the providers of the same source of devices share one
 * in memory.
 */
export function journalStore(source: object = globalThis): JournalStore {
  if (globalThis.indexedDB) return (browserStore ??= new BrowserStore())
  const store = memoryStores.get(source) ?? new MemoryStore()
  memoryStores.set(source, store)
  return store
}
