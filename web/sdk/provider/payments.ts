import type { SignedTransaction } from '../types/imkey'
import type { Chain } from './chain'
import type { Chains } from './chains'
import { hex } from './hex'
import { type Entry, isFresh, isRecent, type Journal } from './journal'
import { checkCounts, type Counts, nextNonce, transactionCounts, waiting } from './nonce'
import { NodeError, Refusal } from './refusal'
import type { Node, Nodes } from './rpc'

/** Payer is an account on a chain. */
export interface Payer {
  readonly chain: Chain
  /** The address, in lower case. */
  readonly from: string
}

/** Payments chooses nonces and sends what was signed, with a journal, so that no payment is lost or made twice. */
export class Payments {
  readonly #chains: Chains
  readonly #journal: Journal

  constructor(chains: Chains, journal: Journal) {
    this.#chains = chains
    this.#journal = journal
  }

  /**
   * exclusive gives work that signs the next transaction of an account its turn. The turn lasts until that transaction was sent. Another
   * site may sign with the account meanwhile: see isTaken.
   */
  exclusive<T>({ chain, from }: Payer, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    return this.#journal.exclusive(chain.id, from, signal, work)
  }

  /**
   * repeat sends the transaction of an earlier request for the same again, if the dApp was not told then that it was sent. It resolves to
   * that transaction, or to undefined if a new one has to be signed.
   */
  async repeat(payer: Payer, request: string): Promise<Entry | undefined> {
    const { chain } = payer
    const entries = await this.#of(payer)
    const entry = unsettled(entries, request)
    if (!entry) return undefined
    if (!isRecent(entry) && (await this.#chains.transaction(entry.hash, chain)) === 'mined') {
      await this.#journal.put({ ...entry, state: 'sent' })
      return undefined
    }
    const rival = entries.findLast((each) => each.nonce === entry.nonce)!
    let refused: unknown
    if (rival === entry) {
      try {
        await this.#send(payer, entry, { prefer: this.#chains.nodes(chain).list[0] })
        return entry
      } catch (thrown) {
        if (isKnown(thrown)) {
          await this.#journal.put({ ...entry, state: 'sent' })
          return entry
        }
        if (!isRefusal(thrown)) throw thrown
        refused = thrown
      }
    } else if (await this.#chains.transaction(entry.hash, chain)) {
      await this.#journal.put({ ...entry, state: 'sent' })
      return entry
    }
    const { latest } = await this.#chains.nodes(chain).first(async (node) => {
      await node.confirm()
      return transactionCounts(payer.from, (method, params = []) => node.ask(method, params))
    })
    if (entry.nonce >= latest) throw refused ?? replaced(entry, rival)
    // The dApp has its hash now, and may ask anew. The nonce stays used: a node that lied would make it the next one again.
    await this.#journal.put({ ...entry, state: 'sent' })
    // The node could lie about the nonce, so the user decides, unless the replacement is known.
    if (rival !== entry && (await this.#chains.transaction(rival.hash, chain)) === 'mined') return undefined
    throw overtaken(entry)
  }

  /** unsettled says whether the same was asked for before, and the dApp was not told that it was sent: see repeat. */
  async unsettled(payer: Payer, request: string): Promise<boolean> {
    return unsettled(await this.#of(payer), request) !== undefined
  }

  /**
   * nextNonce gives the next nonce of an account by a node's counts. It sends what the node should have but has not, since it would hold
   * up the next. If the node refuses that, nextNonce throws: only the dApp may have a nonce signed again, and the error names it.
   */
  async nextNonce(payer: Payer, counts: Counts, node: Node): Promise<number> {
    // What another site had signed is neither shown nor sent for this one.
    const own = (entry: Entry) => this.#journal.isOwn(entry)
    const entries = await this.#counting(payer)
    checkCounts(counts, entries)
    const used: Entry[] = []
    const refusals: { entry: Entry; refused: Error }[] = []
    for (const [entry, ...others] of waiting(entries, counts)) {
      const taken = !own(entry!) || (isFresh(entry!) && entry!.state !== 'sending')
      const refused = taken ? undefined : await this.#missing(payer, entry!, node)
      if (!refused) used.push(entry!)
      else {
        // A replacement that the node refuses leaves what it was to replace.
        const [left] = (await Promise.all(others.filter(own).map((each) => this.#left(payer, each)))).filter((each) => each !== undefined)
        if (left) used.push(left)
        else refusals.push({ entry: entry!, refused })
      }
    }
    const next = nextNonce(used, entries, counts)
    const blocking = refusals.find(({ entry }) => isFresh(entry) || entry.nonce < next)
    if (blocking) throw blocked(blocking.entry, blocking.refused)
    return next
  }

  /** at resolves to the hash of the last transaction that was signed with a nonce. */
  async at(payer: Payer, nonce: number): Promise<string | undefined> {
    return (await this.#of(payer)).findLast((entry) => entry.nonce === nonce)?.hash
  }

  /** isTaken says whether a nonce that nextNonce gave was signed meanwhile. */
  async isTaken(payer: Payer, nonce: number): Promise<boolean> {
    return (await this.#counting(payer)).some((entry) => entry.nonce === nonce)
  }

  /** record notes what was signed. Nothing is sent before. */
  async record(payer: Payer, { raw, hash }: SignedTransaction, nonce: number, request: string, state: Entry['state']): Promise<Entry> {
    const before = await this.#of(payer).catch(() => []) // what is signed by now is kept in any case
    const at = Math.max(Date.now(), ...before.map((each) => each.at + 1)) // the order tells which one is a replacement
    const entry = {
      chainId: payer.chain.id,
      from: payer.from,
      nonce,
      hash: hash.toLowerCase(),
      raw: raw.toLowerCase(),
      ...(this.#journal.site !== undefined && { site: this.#journal.site }),
      request,
      at,
      state,
      nodes: [],
    }
    await this.#journal.put(entry)
    return entry
  }

  /** discard forgets a transaction that was signed and given to no one. */
  discard(entry: Entry): Promise<void> {
    return this.#journal.delete(entry)
  }

  /**
   * send hands a signed transaction to the node that completed it, and resolves to its hash. The bytes go to another node only if that one
   * did not take them. send takes no signal: a signature cannot be called back. An error says that the transaction may have been sent, and
   * has its hash.
   */
  send(payer: Payer, entry: Entry, prefer: Node): Promise<string> {
    return this.#send(payer, entry, { prefer, once: true })
  }

  async #send(payer: Payer, entry: Entry, to: Parameters<Nodes['first']>[1]): Promise<string> {
    const nodes = await this.#hand(payer, entry, to)
    await this.#journal.put({ ...entry, state: 'sent', nodes })
    return entry.hash
  }

  /** #hand resolves to the names of the nodes that took a transaction. */
  async #hand({ chain }: Payer, entry: Entry, to: Parameters<Nodes['first']>[1]): Promise<readonly string[]> {
    const { raw, hash, nodes } = entry
    const all = this.#chains.nodes(chain)
    const use = async (node: Node) => {
      await node.confirm(undefined, all.several)
      return [await node.ask('eth_sendRawTransaction', [raw]), node.name]
    }
    try {
      const [answer, name] = await all.first(use, to)
      if (typeof answer !== 'string' || answer.toLowerCase() !== hash)
        throw new Refusal(-32603, 'The node answered with another hash.', 'protocol')
      return [...new Set([...nodes, String(name)])]
    } catch (thrown) {
      // A node refuses a transaction that it already has, in words of its own. One that did not answer may have passed it on.
      if (await this.#chains.transaction(hash, chain)) return nodes
      throw uncertain(thrown, entry)
    }
  }

  /** #missing sends a transaction that the node does not have, and resolves to the error if the node refuses it. */
  async #missing(payer: Payer, entry: Entry, prefer: Node): Promise<Error | undefined> {
    if (await this.#chains.transaction(entry.hash, payer.chain)) return undefined
    if (entry.state === 'signed') return new Error('this site did not send it')
    try {
      await this.#hand(payer, entry, { prefer, once: true })
    } catch (thrown) {
      if (isRefusal(thrown) && !isKnown(thrown)) return thrown
    }
    return undefined
  }

  /** #left resolves to an entry if its transaction is on its way. */
  async #left({ chain }: Payer, entry: Entry): Promise<Entry | undefined> {
    return (isFresh(entry) && entry.state === 'sent') || (await this.#chains.transaction(entry.hash, chain)) ? entry : undefined
  }

  /** #counting gives the entries whose nonces count as used. What another site had signed must not hold this one up for ever. */
  async #counting(payer: Payer): Promise<Entry[]> {
    const counts = (entry: Entry) => this.#journal.isOwn(entry) || isFresh(entry) || (entry.state !== 'signed' && isRecent(entry))
    return (await this.#of(payer)).filter(counts)
  }

  #of({ chain, from }: Payer): Promise<Entry[]> {
    return this.#journal.of(chain.id, from)
  }
}

const unsettled = (entries: readonly Entry[], request: string) =>
  entries.findLast((each) => each.state === 'sending' && each.request === request)

/** isRefusal says whether a node objects to a transaction, by its own word. Otherwise it may have taken it, or may take it later. */
const isRefusal = (thrown: unknown): thrown is NodeError => thrown instanceof NodeError && !thrown.next && !thrown.after

/** isKnown says whether a node that gets a transaction again says that it has it. Not every node can look it up. */
const isKnown = (thrown: unknown) =>
  thrown instanceof NodeError && /already[ _](known|imported|exists|in (the )?(mem|tx)?pool)|\bknown transaction/i.test(thrown.message)

const facts = ({ raw, hash, nonce }: Entry) => ({ retryable: true, hash, raw, nonce: hex(nonce) })

/** uncertain makes an error say that the transaction may have been sent. The node's code and message stay. */
function uncertain(thrown: unknown, entry: Entry): unknown {
  if (!(thrown instanceof NodeError || thrown instanceof Refusal)) return thrown
  const error = thrown.after ?? thrown
  const { reason, data } = error.rpc
  if (reason) Object.assign(reason, facts(entry))
  else error.rpc.data = { ...facts(entry), ...(data !== undefined && { data }) }
  error.message = `${error.message.replace(/\.?$/, '.')} The signed transaction may have been sent all the same, as ${entry.hash}: look it up. The same request sends it again, without a new signature.`
  return error
}

const held = (message: string, entry: Entry, cause?: unknown) => new Refusal(-32603, message, 'protocol', true, cause, facts(entry))

const blocked = (entry: Entry, cause: Error) =>
  held(
    `The earlier transaction ${entry.hash} has the nonce ${hex(entry.nonce)} and holds up this one, but ${cause instanceof NodeError ? 'the node does not take it' : cause.message}, so nothing was signed. Send the earlier one again, or give this one the nonce ${hex(entry.nonce)} to replace it.`,
    entry,
    cause,
  )

const replaced = (entry: Entry, rival: Entry) =>
  held(
    `The same request was signed as ${entry.hash}. That may still be mined instead of ${rival.hash}, which replaces it. Wait until one of them is.`,
    entry,
  )

const overtaken = (entry: Entry) =>
  held(
    `The same request was signed as ${entry.hash}. The node says that another transaction took its nonce: look it up. If it was not mined, ask again for a new one.`,
    entry,
  )
