import type { Storage } from 'imkey-connect/broker'
import { isBlocked } from '../../sdk/provider/blocked'
import { connectorDatabase as name } from './name'

const tableName = 'kept'

/** same compares values that were stored: their fields keep their order. */
const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b)

/** Memory lasts as long as the window. */
class Memory implements Storage {
  readonly #values = new Map<string, unknown>()

  async list(prefix: string) {
    return [...this.#values].filter(([key]) => key.startsWith(prefix))
  }

  async put(key: string, value: unknown) {
    this.#values.set(key, value)
  }

  async replace(key: string, before: unknown, value: unknown) {
    if (!same(this.#values.get(key), before)) return false
    this.#values.set(key, value)
    return true
  }

  async delete(key: string) {
    this.#values.delete(key)
  }
}

/**
 * Database keeps the permissions and the activity of this browser in IndexedDB. All windows of the connector share it, and those may have processes
 * of their own: a transaction sees what each of them wrote before.
 */
class Database implements Storage {
  readonly #channel = new BroadcastChannel(name)
  #opened: Promise<IDBDatabase> | undefined
  #changed: (key: string | undefined) => void = () => {}

  list(prefix: string) {
    return this.#do('readonly', (table) => {
      const range = IDBKeyRange.bound(prefix, `${prefix}\uffff`)
      const [keys, values] = [table.getAllKeys(range), table.getAll(range)]
      return () => keys.result.map((key, i): [string, unknown] => [key as string, values.result[i]])
    })
  }

  async put(key: string, value: unknown) {
    await this.#do('readwrite', (table) => (table.put(value, key), this.#commit(table, key), () => {}))
  }

  async replace(key: string, before: unknown, value: unknown) {
    return this.#do('readwrite', (table) => {
      const found = table.get(key)
      found.onsuccess = () => {
        if (!same(found.result, before)) return
        table.put(value, key)
        this.#commit(table, key)
      }
      return () => same(found.result, before)
    })
  }

  async delete(key: string) {
    await this.#do('readwrite', (table) => (table.delete(key), this.#commit(table, key), () => {}))
  }

  /**
   * #commit ends a transaction without a word to this page, and tells the other windows of the key: this page may be about to be closed. What they
   * read then waits for the transaction.
   */
  #commit({ transaction }: IDBObjectStore, key: string) {
    transaction.commit()
    this.#channel.postMessage(key)
  }

  watch(changed: (key: string | undefined) => void) {
    this.#changed = changed
    this.#channel.onmessage = ({ data }) => changed(data as string)
  }

  /** #do resolves when the transaction is complete, to what the function that act returns gives then. */
  async #do<T>(mode: IDBTransactionMode, act: (table: IDBObjectStore) => () => T): Promise<T> {
    const database = await (this.#opened ??= this.#open())
    return new Promise<T>((resolve, reject) => {
      const transaction = database.transaction(tableName, mode)
      const result = act(transaction.objectStore(tableName))
      transaction.oncomplete = () => resolve(result())
      transaction.onabort = () => reject(transaction.error ?? new Error('the database was closed'))
    }).catch((thrown: unknown) => {
      this.#opened = undefined // the next time, it is opened anew
      database.close()
      throw thrown
    })
  }

  async #open(): Promise<IDBDatabase> {
    const closed = () => (this.#opened = undefined)
    try {
      const database = await opened()
      database.onversionchange = () => (closed(), database.close())
      database.onclose = () => {
        closed()
        this.#changed(undefined) // the user cleared the data of this site, for example
      }
      return database
    } catch (thrown) {
      closed()
      throw thrown
    }
  }
}

function opened(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const request = indexedDB.open(name, 1)
    request.onupgradeneeded = () => request.result.createObjectStore(tableName)
    request.onsuccess = () => resolve(request.result)
    request.onerror = () => reject(request.error ?? new Error('the database cannot be opened'))
  })
}

/** choose gives the storage of this browser. Where the user forbids storage, the permissions end with the window. */
async function choose(): Promise<Storage> {
  const database = globalThis.indexedDB && new Database()
  const forbidden = await database?.list('').then(() => false, isBlocked)
  return database && !forbidden ? database : new Memory() // what fails otherwise may work later
}

/** openStorage gives the storage of the connector. It is chosen meanwhile. */
export function openStorage(): Storage {
  const chosen = choose()
  return {
    list: async (prefix) => (await chosen).list(prefix),
    put: async (key, value) => (await chosen).put(key, value),
    replace: async (key, before, value) => (await chosen).replace(key, before, value),
    delete: async (key) => (await chosen).delete(key),
    watch: (changed) => void chosen.then((storage) => storage.watch?.(changed)),
  }
}
