import { chain } from '../sdk/protocol/messages'
import { exactly, list, object, type Of, text, whole } from '../sdk/protocol/schema'
import { isSite } from './origin'
import type { Activity, Permission, Storage } from './types'

const time = whole(0, Number.MAX_SAFE_INTEGER)
const chainId = whole(1, Number.MAX_SAFE_INTEGER)
const site = (value: unknown, at: string) => {
  if (isSite(value)) return value
  throw `${at} is not the origin of a site`
}
const address = text(42, /^0x[0-9a-f]{40}$/i)

const permission = object(
  {
    origin: site,
    since: time,
    used: time,
    chainId,
    accounts: list(object({ address, path: text(200, /^m(\/\d{1,10}['h]?){1,10}$/i) }), 20),
    /** The USB serial number of the device, and what tells it from another one with that number. */
    serial: (value: unknown, at: string) => (value === null ? null : text(200)(value, at)),
    device: text(1000),
  },
  /** The selected chain, if the site added it. */
  { chain },
)

const activity = object(
  {
    at: time,
    origin: site,
    kind: exactly('message', 'typed-data', 'transaction', 'calls'),
    account: address,
  },
  { chainId, payment: text(300), receiver: text(100), hash: text(66, /^0x[0-9a-f]{64}$/i), domain: text(300) },
)

/** PermissionRecord is a permission with the device that the accounts are on. */
type PermissionRecord = Of<typeof permission>

/** The most that is kept. The oldest goes first. */
const most = { permissions: 1000, activity: 200 }

const tables = { permission: 'permission ', activity: 'activity ' }
const asking = 'asking '

/**
 * Records are the permissions and the activity, in memory and in a Storage. What is read from there is a claim: what does not fit is left
 * out. A value that cannot be written stays in memory.
 */
export class Records {
  readonly #storage: Storage
  readonly #permissions = new Map<string, PermissionRecord>()
  readonly #activity = new Map<string, Activity>()
  readonly #writing = new Map<string, number>()
  /** What changed elsewhere while it was written here: which of both came last is seen afterwards. */
  readonly #missed = new Set<string>()
  readonly #asking = asking + crypto.randomUUID()
  readonly #changed: (origin: string | undefined) => void
  /** When what is stored has been read. It never rejects. */
  readonly ready: Promise<void>

  /** changed is called when a permission changed in another window, with its origin, and without one for everything else. */
  constructor(storage: Storage, changed: (origin: string | undefined) => void) {
    this.#storage = storage
    this.#changed = changed
    this.ready = this.#read()
    storage.watch?.((key) => void this.#follow(key))
  }

  get permissions(): readonly Permission[] {
    return [...this.#permissions.values()]
      .map(({ origin, since, used, chainId, accounts }) => ({ origin, since, used, chainId, accounts }))
      .sort((a, b) => b.used - a.used)
  }

  get activity(): readonly Activity[] {
    return [...this.#activity.values()].sort((a, b) => b.at - a.at)
  }

  permission(origin: string): PermissionRecord | undefined {
    return this.#permissions.get(origin)
  }

  /** allow stores a permission. */
  allow(record: PermissionRecord) {
    this.#permissions.set(record.origin, record)
    this.#put(tables.permission + record.origin, record)
    while (this.#permissions.size > most.permissions) {
      this.revoke([...this.#permissions.values()].reduce((a, b) => (b.used < a.used ? b : a)).origin)
    }
    this.#changed(undefined)
  }

  /** used notes that a site uses its permission. Another window may have revoked it meanwhile: that is not undone. */
  async used(origin: string): Promise<void> {
    const before = this.#permissions.get(origin)
    if (!before || Date.now() - before.used <= 1000) return
    const key = tables.permission + origin
    const kept = (await this.#storage.list(key).catch(() => [])).some(([found]) => found === key)
    if (!kept || this.#permissions.get(origin) !== before) return
    this.allow({ ...before, used: Date.now() })
  }

  revoke(origin: string) {
    if (!this.#permissions.delete(origin)) return
    this.#delete(tables.permission + origin)
    this.#changed(undefined)
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
    if (origin === undefined) {
      // What cannot be read is erased as well.
      for (const [key] of await this.#storage.list(tables.activity).catch(() => [])) this.#delete(key)
    }
    this.#changed(undefined)
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
    return (await this.#storage.list(asking.trim()).catch(() => [])).map(([key]) => key).filter((key) => key !== this.#asking)
  }

  drop(notes: readonly string[]) {
    for (const key of notes) this.#delete(key)
  }

  async #read() {
    for (const table of Object.values(tables)) {
      for (const [key, value] of await this.#storage.list(table).catch(() => [])) this.#take(key, value)
    }
  }

  /** #take puts what fits into memory. */
  #take(key: string, value: unknown) {
    try {
      if (key.startsWith(tables.permission)) {
        const record = permission(value, 'a permission')
        if (tables.permission + record.origin !== key || record.accounts.length === 0) return
        this.#permissions.set(record.origin, record)
      } else if (key.startsWith(tables.activity)) this.#activity.set(key, activity(value, 'an activity'))
    } catch {
      // It is damaged, or another version wrote it.
    }
  }

  /** #follow takes what another window wrote or deleted. What this one is just writing is newer. */
  async #follow(key: string | undefined) {
    await this.ready
    const keys =
      key === undefined ? [...[...this.#permissions.keys()].map((origin) => tables.permission + origin), ...this.#activity.keys()] : [key]
    for (const each of keys) {
      const found = await this.#storage.list(each).catch(() => undefined)
      if (!found) continue // what cannot be read was not taken away
      const [, value] = found.find(([key]) => key === each) ?? []
      if (this.#writing.has(each)) {
        this.#missed.add(each)
        continue
      }
      if (each.startsWith(tables.activity)) {
        this.#activity.delete(each)
        this.#take(each, value)
        this.#changed(undefined)
      }
      if (!each.startsWith(tables.permission)) continue
      const origin = each.slice(tables.permission.length)
      const before = this.#permissions.get(origin)
      this.#permissions.delete(origin)
      this.#take(each, value)
      if (JSON.stringify(before) !== JSON.stringify(this.#permissions.get(origin))) this.#changed(origin)
    }
  }

  #put(key: string, value: unknown) {
    this.#write(key, () => this.#storage.put(key, value))
  }

  #delete(key: string) {
    this.#write(key, () => this.#storage.delete(key))
  }

  #write(key: string, write: () => Promise<void>) {
    this.#writing.set(key, (this.#writing.get(key) ?? 0) + 1)
    // Storage that is blocked or full: what was allowed holds until the broker ends.
    Promise.resolve()
      .then(write)
      .catch(() => {})
      .finally(() => {
        const left = this.#writing.get(key)! - 1
        if (left > 0) return void this.#writing.set(key, left)
        this.#writing.delete(key)
        if (this.#missed.delete(key)) void this.#follow(key)
      })
  }
}
