import type { JournalStore } from './journalstore'
import { keccak256 } from './keccak'
import { toBytes } from './hex'

/** Entry is a transaction that was signed. It holds no secret, and of a node only the host's name. */
export interface Entry {
  readonly chainId: number
  /** The account, in lower case. */
  readonly from: string
  readonly nonce: number
  readonly hash: string
  /** The signed bytes in hex. */
  readonly raw: string
  /** The site that asked, where several share the journal. */
  readonly site?: string
  /** What was asked for: see fingerprint. */
  readonly request: string
  /** When it was signed, in milliseconds since 1970. */
  readonly at: number
  /**
   * `signed`: for the dApp, which sends it itself. `sending`: it was or is being sent, and the dApp was not told that a node took it.
   * `sent`: the dApp has its hash.
   */
  readonly state: 'signed' | 'sending' | 'sent'
  /** The nodes that took it. */
  readonly nodes: readonly string[]
}

const minute = 60_000
const day = 24 * 60 * minute

/** isFresh says whether a node may not have it yet, or may not count it yet. */
export const isFresh = ({ at }: Entry) => Date.now() - at < 10 * minute

/** isRecent says whether the same request probably means this transaction, even if it was mined meanwhile. */
export const isRecent = ({ at }: Entry) => Date.now() - at < day

/** More entries, or more digits in all of them, are not kept. The oldest go first, and those that a node took before the others. */
const most = { entries: 128, digits: 2 << 20 }

/** Journal keeps the transactions that the accounts signed, so that no payment is lost or made twice. */
export class Journal {
  readonly #store: JournalStore
  readonly #hashes = new Map<string, string>() // by the bytes, since they are long
  /** The site that asks, where several share the journal. */
  readonly site: string | undefined

  constructor(store: JournalStore, site?: string) {
    this.#store = store
    this.site = site
  }

  /** isOwn says whether the site may learn of an entry, and send it. Of another site's entry only the nonce counts. */
  isOwn({ site }: Entry): boolean {
    return site === this.site
  }

  /**
   * exclusive gives work that needs the next nonce of an account its turn, also among the tabs of the origin. Where several sites share the
   * journal, each has turns of its own: the nodes of one, which may be slow, hold up no other.
   */
  exclusive<T>(chainId: number, from: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#store.exclusive([chainId, from, this.site].filter((part) => part !== undefined).join(' '), signal, work)
  }

  /** of resolves to the entries of an account, sorted by nonce and time. It rejects with `storage` if they cannot be read. */
  async of(chainId: number, from: string): Promise<Entry[]> {
    return (await this.#entries(`${chainId} ${from} `)).sort((a, b) => a.nonce - b.nonce || a.at - b.at)
  }

  async put(entry: Entry): Promise<void> {
    await this.#store.put(keyOf(entry), entry)
    const all = await this.#entries('', false).catch(() => []) // what cannot be read now is deleted the next time
    const others = all.filter(({ hash }) => hash !== entry.hash)
    const last = (each: Entry) => Number(each.state === 'sending')
    others.sort((a, b) => last(b) - last(a) || b.at - a.at)
    let digits = entry.raw.length
    for (const [i, each] of others.entries()) {
      digits += each.raw.length
      if (i + 1 >= most.entries || digits > most.digits) await this.delete(each)
    }
  }

  delete(entry: Entry): Promise<void> {
    return this.#store.delete(keyOf(entry))
  }

  /** forget deletes the site's entries of a chain. It waits for the turns of the accounts that have some. */
  async forget(chainId: number, signal: AbortSignal | undefined): Promise<void> {
    const own = (entry: Entry) => this.isOwn(entry)
    const accounts = new Set((await this.#entries(`${chainId} `)).filter(own).map(({ from }) => from))
    const all = [...accounts].map((from) =>
      this.exclusive(chainId, from, signal, async () => {
        for (const entry of (await this.of(chainId, from)).filter(own)) await this.delete(entry)
      }),
    )
    await Promise.all(all)
  }

  /** sentRaw notes that the site sent a transaction itself. */
  async sentRaw(raw: unknown): Promise<void> {
    if (typeof raw !== 'string') return
    // The transaction is on its way, whether or not that can be noted.
    for (const entry of await this.#entries('', false).catch(() => []))
      if (this.isOwn(entry) && entry.raw === raw.toLowerCase()) await this.put({ ...entry, state: 'sent' })
  }

  /** #entries reads entries, and deletes what is not one. Without check, a hash may not be that of the bytes. */
  async #entries(prefix: string, check = !this.#store.trusted): Promise<Entry[]> {
    const entries: Entry[] = []
    for (const [key, value] of await this.#store.list(prefix)) {
      const entry = readEntry(value)
      if (entry && keyOf(entry) === key && !(check && this.#hashOf(entry.raw) !== entry.hash)) entries.push(entry)
      else await this.#store.delete(key)
    }
    return entries
  }

  #hashOf(raw: string): string {
    let hash = this.#hashes.get(raw)
    if (hash) return hash
    if (this.#hashes.size >= most.entries) this.#hashes.clear()
    this.#hashes.set(raw, (hash = `0x${keccak256(toBytes(raw))}`))
    return hash
  }
}

const keyOf = ({ chainId, from, nonce, hash }: Entry) => `${chainId} ${from} ${nonce} ${hash}`

/** readEntry copies an entry whose fields have the right form. */
function readEntry(value: unknown): Entry | undefined {
  const { chainId, from, nonce, hash, raw, site, request, at, state, nodes } = Object(value) as Partial<Record<keyof Entry, unknown>>
  const is = (text: unknown, form: RegExp): text is string => typeof text === 'string' && text.length < 400_000 && form.test(text)
  const isState = (text: unknown): text is Entry['state'] => text === 'signed' || text === 'sending' || text === 'sent'
  if (
    !Number.isSafeInteger(chainId) ||
    !Number.isSafeInteger(nonce) ||
    (nonce as number) < 0 ||
    !is(from, /^0x[0-9a-f]{40}$/) ||
    !is(hash, /^0x[0-9a-f]{64}$/) ||
    !is(raw, /^0x([0-9a-f]{2})+$/) ||
    !(site === undefined || is(site, /^[!-~]{1,2048}$/)) ||
    !is(request, /^[0-9a-f]{64}$/) ||
    typeof at !== 'number' ||
    !isState(state) ||
    !Array.isArray(nodes) ||
    nodes.length > 16 ||
    !nodes.every((node) => is(node, /^[!-~]{1,255}$/))
  ) {
    return undefined
  }
  // A time in the future would make an entry fresh for ever.
  return {
    chainId: chainId as number,
    from,
    nonce: nonce as number,
    hash,
    raw,
    ...(site !== undefined && { site }),
    request,
    at: at < Date.now() + minute ? at : 0,
    state,
    nodes,
  }
}

/**
 * fingerprint tells whether two requests of a dApp ask for the same. Gas, fees and type do not count, because clients compute them
 * anew when the user tries again. With a nonce they do: then another fee asks for a replacement.
 */
export function fingerprint({
  nonce,
  gas,
  gasPrice,
  maxFeePerGas,
  maxPriorityFeePerGas,
  type,
  ...essence
}: object & Record<string, unknown>): string {
  const asked = nonce === undefined ? essence : { ...essence, nonce, gas, gasPrice, maxFeePerGas, maxPriorityFeePerGas, type }
  const fields = Object.entries(asked).filter(([, value]) => value !== undefined)
  return keccak256(new TextEncoder().encode(JSON.stringify(fields.sort(([a], [b]) => (a < b ? -1 : 1)))))
}
