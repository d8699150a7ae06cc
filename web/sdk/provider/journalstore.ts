import { isBlocked } from './blocked'
import { abortedByCaller, Refusal } from './refusal'

/** JournalStore keeps values by key, and gives work its turn. What it lists is a claim: any script of the origin can write there. */
export interface JournalStore {
  /** Whether only this page can have written the values. */
  readonly trusted: boolean
  /** Resolves to the keys that begin with the prefix, and their values. It rejects with `storage` if they cannot be read. */
  list(prefix: string): Promise<[key: string, value: unknown][]>
  /** Resolves when the value survives a crash of the page. */
  put(key: string, value: unknown): Promise<void>
  delete(key: string): Promise<void>
  /** Does the work while nothing else does work of that name with this store. A signal that aborts before that rejects at once. */
  exclusive<T>(name: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T>
  /** Resolves to whether some work of that name is under way. */
  busy(name: string): Promise<boolean>
}

/** MemoryStore lasts as long as the page. */
export class MemoryStore implements JournalStore {
  readonly trusted = true
  readonly #values = new Map<string, unknown>()
  readonly #last = new Map<string, Promise<unknown>>()
  readonly #busy = new Set<string>()

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
        if (out) return
        this.#busy.add(name)
        await work()
          .finally(() => this.#busy.delete(name))
          .then(resolve, reject)
      })
      this.#last.set(name, turn)
    })
  }

  async busy(name: string): Promise<boolean> {
    return this.#busy.has(name)
  }
}

const tableName = 'signed'

/**
 * BrowserStore keeps values in a database of IndexedDB, which the tabs and workers of an origin share, and takes turns by Web Locks. What IndexedDB
 * does not take, because it is blocked or full, stays in memory. A database that cannot be read is not an empty one: then list rejects.
 */
class BrowserStore implements JournalStore {
  readonly trusted = false
  readonly #memory = new MemoryStore()
  readonly #name: string
  #opened: Promise<IDBDatabase> | undefined
  #used = false // whether the database was read or written

  constructor(name: string) {
    this.#name = name
  }

  async list(prefix: string): Promise<[string, unknown][]> {
    const kept = await this.#do('readonly', (table) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const [keys, values] = [table.getAllKeys(range), table.getAll(range)]
      return () => keys.result.map((key, i): [string, unknown] => [key as string, values.result[i]])
    }).catch(async (cause: unknown) => {
      // Where the browser gives this origin no storage, nothing was kept before.
      if (!this.#used && (await isBlocked(cause))) return []
      throw unreadable(cause)
    })
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
      .request(`${this.#name} ${name}`, signal ? { signal } : {}, () => ((begun = true), work()))
      .catch((thrown: unknown) => {
        if (begun) throw thrown
        if (signal?.aborted) throw abortedByCaller(signal)
        return this.#memory.exclusive(name, signal, work) // a sandboxed frame has no locks
      }) as Promise<T>
  }

  async busy(name: string): Promise<boolean> {
    const { held = [] } = (await navigator.locks?.query().catch(() => undefined)) ?? {}
    return held.some((lock) => lock.name === `${this.#name} ${name}`) || this.#memory.busy(name)
  }

  /** #do resolves when the transaction is complete, to what the function that act returns gives then. */
  async #do<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => () => T): Promise<T> {
    const database = await (this.#opened ??= open(this.#name, () => (this.#opened = undefined)))
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(tableName, mode, { durability: 'strict' })
      const result = act(transaction.objectStore(tableName))
      transaction.oncomplete = () => {
        this.#used = true
        resolve(result())
      }
      transaction.onabort = () => reject(transaction.error)
    }).catch((thrown: unknown) => {
      this.#opened = undefined // a connection that was lost is made anew the next time
      database.close()
      throw thrown
    })
  }
}

const unreadable = (cause: unknown) =>
  new Refusal(
    -32603,
    'The browser cannot read what was signed here before, so a new transaction could take the place of an earlier one. Nothing was signed. Reload the page, then try again.',
    'storage',
    true,
    cause,
  )

/** open calls closed when the database cannot be used any more: the user cleared the site's data, for example. */
function open(databaseName: string, closed: () => void): Promise<IDBDatabase> {
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

const browserStores = new Map<string, BrowserStore>()
const memoryStores = new WeakMap<object, Map<string, MemoryStore>>()

/**
 * journalStore gives the origin's store of that name. Where there is no IndexedDB, as in Node, the providers of the same source of devices
 * share one in memory.
 */
export function journalStore(source: object = globalThis, name = 'journal'): JournalStore {
  if (globalThis.indexedDB) return kept(browserStores, name, () => new BrowserStore(`imkey-connect ${name}`))
  return kept(
    kept(memoryStores, source, () => new Map<string, MemoryStore>()),
    name,
    () => new MemoryStore(),
  )
}

/** kept gives the value of a key, which is made if there is none. */
function kept<K, V>(map: { get(key: K): V | undefined; set(key: K, value: V): unknown }, key: K, make: () => V): V {
  let value = map.get(key)
  if (value === undefined) map.set(key, (value = make()))
  return value
}
