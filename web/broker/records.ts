import { bitcoinAccount } from '../sdk/protocol/coins'
import { chain, type OtherCoin, otherCoin } from '../sdk/protocol/messages'
import { either, exactly, list, object, type Of, text, whole } from '../sdk/protocol/schema'
import { abortedByCaller, coded } from '../sdk/provider/refusal'
import { chainName } from './chains'
import { isSite } from './origin'
import type { Activity, Permission, Storage } from './types'

const time = whole(0, Number.MAX_SAFE_INTEGER)
const chainId = whole(1, Number.MAX_SAFE_INTEGER)
const site = (value: unknown, at: string) => {
  if (isSite(value)) return value
  throw `${at} is not the origin of a site`
}
const address = text(42, /^0x[0-9a-f]{40}$/i)
const path = text(200, /^m(\/\d{1,10}['h]?){1,10}$/i)
/** The USB serial number of a device. */
const serial = (value: unknown, at: string) => (value === null ? null : text(200)(value, at))

const permission = object(
  {
    origin: site,
    since: time,
    used: time,
    chainId,
    accounts: list(object({ address, path }), 20),
    serial,
    /** What tells the device from another one with that number. */
    device: text(1000),
  },
  /** The selected chain, if the site added it. */
  { chain },
)

const visible = text(100, /^[\x21-\x7e]+$/)

/** A permission for a coin besides Ethereum. */
const coinPermission = object(
  {
    origin: site,
    coin: otherCoin,
    since: time,
    used: time,
    accounts: list(either(bitcoinAccount, object({ address: visible, path }, { publicKey: text(68, /^0x[\da-f]+$/) })), 20),
    serial,
  },
  /** The network of Bitcoin, or the prefix of Cosmos. Of Bitcoin:  the extended public keys of the accounts, by which a screen tells change from payments. */
  { network: text(20), keys: list(object({ path, xpub: text(128) }), 20) },
)

const shown = { payment: text(300), receiver: text(100), domain: text(300) }
const kind = exactly('message', 'typed-data', 'transaction', 'calls')
const hash = text(66, /^(0x)?[0-9a-f]{64}$/i)

const activity = either(
  object({ at: time, origin: site, kind, account: address }, { chainId, hash, ...shown }),
  object({ at: time, origin: site, kind, account: visible, coin: otherCoin }, { hash, ...shown }),
)

/** PermissionRecord is a permission with the device that the accounts are on. */
type PermissionRecord = Of<typeof permission>

/** CoinRecord is the same for a coin besides Ethereum. */
export type CoinRecord = Of<typeof coinPermission>

/**
 * keyOf is the name under which a permission is kept, after that of its table: the origin, and before it the coin, if that is not Ethereum. An
 * origin has no space.
 */
const keyOf = (origin: string, coin?: OtherCoin) => (coin ? `${coin} ${origin}` : origin)

const keyOfRecord = (record: PermissionRecord | CoinRecord) => keyOf(record.origin, 'coin' in record ? record.coin : undefined)

/** The most that is kept. The oldest goes first. */
const most = { permissions: 1000, activity: 200 }

/** The pause before what failed is tried again, in milliseconds. It doubles up to the longest one. */
const pause = { first: 50, longest: 10_000 }

/** How long a request waits until what is stored has been read, in milliseconds. */
const patience = 10_000

/** How long an answer that changed a permission waits until that is stored, in milliseconds. */
const soon = 1000

const tables = { permission: 'permission ', activity: 'activity ' }
const asking = 'asking '

const isPermission = (key: string) => key.startsWith(tables.permission)

/** What is to be written for a key. Without a value, the key is deleted. */
interface Wanted {
  readonly value?: unknown
  /** It changes what is stored already. Where another window changed or deleted that meanwhile, nothing is written. */
  readonly changes?: boolean
}

/** named gives the name of a chain, where this library knows it. */
function named(id: number | undefined): { readonly chainName?: string } {
  const name = id === undefined ? undefined : chainName(id)
  return name === undefined ? {} : { chainName: name }
}

/**
 * Records are the permissions and the activity, in memory and in a Storage. What is read from there is a claim: what does not fit is left
 * out. Storage may fail for a while, as the extension's does when its service worker is stopped. What cannot be read is not empty, and what
 * cannot be written holds in memory: both are tried again until they succeed.
 */
export class Records {
  readonly #storage: Storage
  readonly #permissions = new Map<string, PermissionRecord | CoinRecord>()
  readonly #activity = new Map<string, Activity>()
  readonly #wanted = new Map<string, Wanted>()
  readonly #writing = new Map<string, Promise<void>>()
  #written = 0 // how many writes ended
  /** What changed elsewhere while it was written here: which of both came last is seen afterwards. */
  readonly #missed = new Set<string>()
  /** The permissions as storage has them, by their keys, as far as this broker knows. */
  readonly #stored = new Map<string, unknown>()
  readonly #asking = asking + crypto.randomUUID()
  readonly #changed: (origin: string | undefined, coin?: OtherCoin) => void
  readonly #over = new AbortController()
  #known = false
  /** When what is stored has been read. It never rejects. */
  readonly ready: Promise<void>

  /** changed is called when a permission changed in another window, with its origin and coin, and without one for everything else. */
  constructor(storage: Storage, changed: (origin: string | undefined, coin?: OtherCoin) => void) {
    this.#storage = storage
    this.#changed = changed
    this.ready = this.#read()
    storage.watch?.((key) => void this.#follow(key))
  }

  /** Whether what is stored has been read. */
  get known(): boolean {
    return this.#known
  }

  /** read resolves when what is stored has been read. It rejects when the signal aborts, and with `storage` where reading takes too long. */
  async read(signal: AbortSignal): Promise<void> {
    if (this.#known) return
    let late: ReturnType<typeof setTimeout> | undefined
    let gone = () => {}
    const given = new Promise<never>((_, reject) => {
      late = setTimeout(() => reject(coded('storage', 'the permissions of sites cannot be read', { retryable: true })), patience)
      gone = () => reject(abortedByCaller(signal))
    })
    signal.addEventListener('abort', gone, { once: true })
    if (signal.aborted) gone()
    await Promise.race([this.ready, given]).finally(() => {
      clearTimeout(late)
      signal.removeEventListener('abort', gone)
    })
  }

  /** close ends what is tried again and again. */
  close() {
    this.#over.abort()
  }

  get permissions(): readonly Permission[] {
    return [...this.#permissions.values()]
      .map((record) => {
        const { origin, since, used } = record
        const accounts = record.accounts.map(({ address, path }) => ({ address, path }))
        return 'coin' in record
          ? { origin, since, used, coin: record.coin, accounts }
          : { origin, since, used, chainId: record.chainId, ...named(record.chainId), accounts }
      })
      .sort((a, b) => b.used - a.used)
  }

  get activity(): readonly Activity[] {
    return [...this.#activity.values()]
      .reverse()
      .map((one) => ({ ...one, ...named('chainId' in one ? one.chainId : undefined) }))
      .sort((a, b) => b.at - a.at)
  }

  /** permission gives that of an origin for Ethereum. */
  permission(origin: string): PermissionRecord | undefined {
    return this.#permissions.get(origin) as PermissionRecord | undefined
  }

  /** coinPermission gives that of an origin for another coin. */
  coinPermission(origin: string, coin: OtherCoin): CoinRecord | undefined {
    return this.#permissions.get(keyOf(origin, coin)) as CoinRecord | undefined
  }

  /** since gives when an origin got its first permission. */
  since(origin: string): number | undefined {
    const all = [...this.#permissions.values()].filter((record) => record.origin === origin)
    return all.length > 0 ? Math.min(...all.map(({ since }) => since)) : undefined
  }

  /**
   * allow stores a permission, or a change of one, which has the same accounts. Another window may have changed or revoked that meanwhile: a
   * change does not undo it. What the user gives counts in any case.
   */
  allow(record: PermissionRecord | CoinRecord) {
    const key = keyOfRecord(record)
    const changes = JSON.stringify(this.#permissions.get(key)?.accounts) === JSON.stringify(record.accounts)
    this.#permissions.set(key, record)
    this.#put(tables.permission + key, record, changes)
    while (this.#permissions.size > most.permissions) {
      const { origin, ...oldest } = [...this.#permissions.values()].reduce((a, b) => (b.used < a.used ? b : a))
      this.revoke(origin, 'coin' in oldest ? oldest.coin : undefined)
    }
    this.#changed(undefined)
  }

  /** used notes that a site uses its permission. */
  used(origin: string, coin?: OtherCoin) {
    const record = this.#permissions.get(keyOf(origin, coin))
    if (record && Date.now() - record.used > 1000) this.allow({ ...record, used: Date.now() })
  }

  revoke(origin: string, coin?: OtherCoin) {
    const key = keyOf(origin, coin)
    if (!this.#permissions.delete(key)) return
    this.#delete(tables.permission + key)
    this.#changed(undefined)
  }

  /** stored resolves when what is wanted of an origin's permission is written. Where storage fails for longer, it holds in memory. */
  async stored(origin: string, coin?: OtherCoin): Promise<void> {
    let late: ReturnType<typeof setTimeout> | undefined
    const given = new Promise<void>((resolve) => (late = setTimeout(resolve, soon)))
    await Promise.race([this.#writing.get(tables.permission + keyOf(origin, coin)), given])
    clearTimeout(late)
  }

  add(entry: Activity) {
    const fresh = crypto.getRandomValues(new Uint32Array(1))[0]!.toString(16)
    const key = `${tables.activity}${String(entry.at).padStart(16, '0')} ${fresh}`
    this.#activity.set(key, entry)
    this.#put(key, entry)
    for (const old of [...this.#activity.keys()].sort().slice(0, -most.activity)) {
      this.#activity.delete(old)
      this.#delete(old)
    }
    this.#changed(undefined)
  }

  /** erase deletes the activity of an origin, or all. */
  async erase(origin?: string): Promise<void> {
    for (const [key, entry] of this.#activity) {
      if (origin !== undefined && entry.origin !== origin) continue
      this.#activity.delete(key)
      this.#delete(key)
    }
    this.#changed(undefined)
    if (origin !== undefined) return
    // What does not fit is erased as well.
    for (const [key] of await this.#list(tables.activity)) this.#delete(key)
  }

  /**
   * asks notes whether a device may be asking its user, for the next broker if this one is stopped meanwhile. The brokers of several windows
   * share a storage, so each has a note of its own.
   */
  asks(now: boolean) {
    if (now) this.#put(this.#asking, Date.now())
    else this.#delete(this.#asking)
  }

  /** asked gives the notes of other brokers: those that were stopped, and those in other windows. */
  async asked(): Promise<readonly string[]> {
    return (await this.#list(asking.trim())).map(([key]) => key).filter((key) => key !== this.#asking)
  }

  drop(notes: readonly string[]) {
    for (const key of notes) this.#delete(key)
  }

  async #read() {
    for (const table of Object.values(tables)) {
      for (const [key, value] of await this.#list(table)) this.#take(key, value)
    }
    this.#known = true
  }

  /** #list reads until it succeeds. After close it never resolves. */
  async #list(prefix: string) {
    for (let last = 0; ; last = await this.#pause(last)) {
      try {
        return await this.#storage.list(prefix)
      } catch {
        // It is read again.
      }
    }
  }

  /** #pause waits and gives the next pause. After close it never resolves. */
  #pause(last: number): Promise<number> {
    const { signal } = this.#over
    const next = Math.min(last * 2 || pause.first, pause.longest)
    return new Promise((resolve) => {
      if (signal.aborted) return
      const timer = setTimeout(() => {
        signal.removeEventListener('abort', stop)
        resolve(next)
      }, next)
      const stop = () => clearTimeout(timer)
      signal.addEventListener('abort', stop, { once: true })
    })
  }

  /** #take puts what fits into memory. */
  #take(key: string, value: unknown) {
    try {
      if (isPermission(key)) {
        const record = either<PermissionRecord, CoinRecord>(permission, coinPermission)(value, 'a permission')
        const name = keyOfRecord(record)
        if (tables.permission + name !== key || record.accounts.length === 0) return
        this.#permissions.set(name, record)
        this.#stored.set(key, value)
      } else if (key.startsWith(tables.activity)) this.#activity.set(key, activity(value, 'an activity'))
    } catch {
      // It is damaged, or another version wrote it.
    }
  }

  /** #follow takes what another window wrote or deleted. What this one is just writing is newer. */
  async #follow(key: string | undefined) {
    await this.ready
    const keys =
      key === undefined ? [...[...this.#permissions.keys()].map((name) => tables.permission + name), ...this.#activity.keys()] : [key]
    for (const each of keys) {
      let value: unknown
      let written: number
      do {
        written = this.#written
        ;[, value] = (await this.#list(each)).find(([key]) => key === each) ?? []
      } while (written !== this.#written) // what was read may be older than what was written meanwhile
      if (this.#wanted.has(each)) {
        this.#missed.add(each)
        continue
      }
      if (each.startsWith(tables.activity)) {
        this.#activity.delete(each)
        this.#take(each, value)
        this.#changed(undefined)
      }
      if (!isPermission(each)) continue
      const name = each.slice(tables.permission.length)
      const before = this.#permissions.get(name)
      this.#permissions.delete(name)
      this.#stored.delete(each)
      this.#take(each, value)
      const after = this.#permissions.get(name)
      if (JSON.stringify(before) === JSON.stringify(after)) continue
      const { origin, ...one } = (after ?? before)!
      this.#changed(origin, 'coin' in one ? one.coin : undefined)
    }
  }

  #put(key: string, value: unknown, changes = false) {
    const before = this.#wanted.get(key)
    // A change of what is not written yet is written as that would be.
    this.#want(key, { value, changes: changes && (before === undefined || before.changes === true) })
  }

  #delete(key: string) {
    this.#want(key, {})
  }

  #want(key: string, wanted: Wanted) {
    const busy = this.#wanted.has(key)
    this.#wanted.set(key, wanted)
    if (!busy) this.#writing.set(key, this.#write(key))
  }

  /** #write writes what is wanted for a key, one value at a time, so that an earlier one never comes last. After close it tries no more. */
  async #write(key: string) {
    let wanted: Wanted | undefined
    for (let last = 0; wanted !== this.#wanted.get(key);) {
      wanted = this.#wanted.get(key)!
      try {
        const before = this.#stored.get(key)
        if (!('value' in wanted)) {
          await this.#storage.delete(key)
          this.#stored.delete(key)
        } else if (wanted.changes && before !== undefined) {
          if (await this.#storage.replace(key, before, wanted.value)) this.#stored.set(key, wanted.value)
          else this.#missed.add(key)
        } else {
          await this.#storage.put(key, wanted.value)
          if (isPermission(key)) this.#stored.set(key, wanted.value)
        }
        last = 0
      } catch {
        wanted = undefined
        last = await this.#pause(last)
      }
    }
    this.#wanted.delete(key)
    this.#writing.delete(key)
    this.#written++
    if (this.#missed.delete(key)) void this.#follow(key)
  }
}
