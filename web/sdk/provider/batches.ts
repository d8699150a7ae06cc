import type { JournalStore } from './journalstore'

/** Batch is what is kept of the calls of one wallet_sendCalls (EIP-5792). It holds no secret. */
export interface Batch {
  /** The id that the dApp gave or got. */
  readonly id: string
  readonly chainId: number
  /** The account, in lower case. */
  readonly from: string
  /** How many calls the batch has. */
  readonly total: number
  /** The transactions of the first calls, in their order. They were signed, and a node took them or may have taken them. */
  readonly sent: readonly { readonly hash: string; readonly nonce: number }[]
  /** When the batch began, in milliseconds since 1970. */
  readonly at: number
}

/** The most calls of a batch, as in MetaMask. The user confirms each on the device. */
export const mostCalls = 10

/** The most characters of an id: 4096 bytes in hex after 0x (EIP-5792). */
export const mostId = 8194

/** More batches of one site are not kept. The oldest go first. */
const mostBatches = 128

/** Batches keeps the batches of one site. Their ids survive a reload of the page. */
export class Batches {
  readonly #store: JournalStore
  readonly #site: string

  /** site is the origin that asks: sites do not see the batches of each other, also where they share a store. */
  constructor(store: JournalStore, site: string) {
    this.#store = store
    this.#site = `${site} `
  }

  async get(id: string): Promise<Batch | undefined> {
    const key = this.#site + id
    const found = (await this.#store.list(key)).find(([each]) => each === key)
    return found && readBatch(found[1], id)
  }

  /** running says whether some page of the site carries out the batch at this moment. */
  running(id: string): Promise<boolean> {
    return this.#store.busy(this.#site + id)
  }

  /**
   * begin keeps a batch, and carries it out. It resolves to undefined if there is one with that id, unless no call of that one was sent
   * and it is not carried out any more.
   */
  async begin<T>(batch: Batch, work: () => Promise<T>): Promise<T | undefined> {
    const key = this.#site + batch.id
    let began: Promise<T> | undefined
    // The turn to begin is short, so that a second batch with that id is refused at once.
    await this.#store.exclusive('begin', undefined, async () => {
      if ((await this.running(batch.id)) || (await this.get(batch.id))?.sent.length) return
      await this.#store.put(key, batch)
      await this.#forgetOld(key)
      await new Promise<void>((started) => {
        began = this.#store.exclusive(key, undefined, () => (started(), work()))
        began.catch(() => {}).finally(started)
      })
    })
    return began
  }

  put(batch: Batch): Promise<void> {
    return this.#store.put(this.#site + batch.id, batch)
  }

  delete(id: string): Promise<void> {
    return this.#store.delete(this.#site + id)
  }

  async #forgetOld(newest: string) {
    const others = (await this.#store.list(this.#site).catch(() => [])).filter(([key]) => key !== newest)
    const time = ([, value]: [string, unknown]) => Number((Object(value) as { at?: unknown }).at) || 0
    others.sort((a, b) => time(b) - time(a))
    for (const [key] of others.slice(mostBatches - 1)) await this.#store.delete(key)
  }
}

/** readBatch copies a batch whose fields have the right form: any script of the origin can write there. */
function readBatch(value: unknown, id: string): Batch | undefined {
  const { chainId, from, total, sent, at } = Object(value) as Partial<Record<keyof Batch, unknown>>
  const isCount = (n: unknown): n is number => Number.isSafeInteger(n) && (n as number) >= 0
  if (
    !isCount(chainId) ||
    !isCount(total) ||
    !isCount(at) ||
    typeof from !== 'string' ||
    !/^0x[0-9a-f]{40}$/.test(from) ||
    !Array.isArray(sent) ||
    sent.length > Math.min(total, mostCalls)
  ) {
    return undefined
  }
  const read: { hash: string; nonce: number }[] = []
  for (const each of sent) {
    const { hash, nonce } = Object(each) as { hash?: unknown; nonce?: unknown }
    if (typeof hash !== 'string' || !/^0x[0-9a-f]{64}$/.test(hash) || !isCount(nonce)) return undefined
    read.push({ hash, nonce })
  }
  return { id, chainId, from, total, sent: read, at }
}
