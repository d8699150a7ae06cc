// EIP-5792: batches of calls. The user is asked once for a batch, and the device asks for each call, which becomes a transaction. A batch
// is never atomic: other transactions may come between its calls, and a part of it may fail.

import type { Accounts } from './accounts'
import { type Batch, type Batches, mostCalls, mostId } from './batches'
import { type Call, unlessAborted } from './call'
import { capabilities, readHexChainId } from './capabilities'
import type { CallsStatus, Receipt } from './callsstatus'
import type { Chain } from './chain'
import type { Chains } from './chains'
import { hex, plain, readAddress, toHex } from './hex'
import type { Host } from './host'
import type { Entry } from './journal'
import { pageConsents } from './pageconsents'
import type { Payments } from './payments'
import { abortedByCaller, badNode, badParams, coded, Refusal } from './refusal'
import { answersTooMuch } from './rpc'
import type { Consent, Consents, What } from './review'
import { type Asked, type Signing, unlessTaken } from './signing'
import { completeCalls } from './transaction'

/** The version of the methods (EIP-5792). */
const version = '2.0.0'

/** What the calls are carried out with. */
export interface CallsParts {
  readonly host: Host
  readonly chains: Chains
  readonly accounts: Accounts
  readonly signing: Signing
  readonly payments: Payments
  readonly batches: Batches
}

/**
 * Progress is how far a batch is. deliver notes a transaction that was signed, and then sends it. If the signal aborts meanwhile, the dApp
 * is answered at once, and deliver goes on: the transaction may be sent, so the batch has it.
 */
interface Progress {
  next: number
  last?: Entry
  readonly deliver: (entry: Entry, signal: AbortSignal | undefined, send: () => Promise<unknown>) => Promise<void>
}

export class Calls {
  readonly #chains: Chains
  readonly #accounts: Accounts
  readonly #signing: Signing
  readonly #payments: Payments
  readonly #batches: Batches
  readonly #host: Host
  readonly #consents: Consents

  constructor({ host, chains, accounts, signing, payments, batches }: CallsParts) {
    this.#host = host
    this.#consents = host.consents ?? pageConsents(host)
    this.#chains = chains
    this.#accounts = accounts
    this.#signing = signing
    this.#payments = payments
    this.#batches = batches
  }

  /** capabilities carries out wallet_getCapabilities. */
  capabilities(params: readonly unknown[]): Record<string, unknown> {
    return capabilities(params, this.#chains.ids, (account) => this.#accounts.of(account ?? this.#first()))
  }

  /**
   * send carries out wallet_sendCalls. It resolves to the id of the batch when the last call was sent, or when a call failed or the batch was
   * cancelled after an earlier one was sent or may have been: then its status says which are on the chain. If nothing was sent, it rejects.
   */
  async send(value: unknown, call: Call): Promise<{ id: string }> {
    const { asked, chain, id } = this.#read(value, call)
    let batch: Batch = { id, chainId: chain.id, from: asked[0]!.from, total: asked.length, sent: [], at: Date.now() }
    let delivered = false
    const early = new AbortController() // aborts when the dApp is answered before the batch ends
    const answered = new Promise<true>((resolve) => early.signal.addEventListener('abort', () => resolve(true)))
    const progress: Progress = {
      next: 0,
      deliver: async (entry, signal, send) => {
        batch = { ...batch, sent: [...batch.sent, { hash: entry.hash, nonce: entry.nonce }] }
        await this.#batches.put(batch) // before it is sent, so that no call on the chain is missing after a crash
        const cancelled = () => {
          delivered = true
          early.abort()
        }
        signal?.addEventListener('abort', cancelled, { once: true })
        if (signal?.aborted) cancelled()
        await send().finally(() => signal?.removeEventListener('abort', cancelled))
        delivered = true
        progress.last = entry
        progress.next++
      },
    }
    const carriedOut = this.#batches.begin(batch, async () => {
      try {
        await this.#carryOut(asked, call, progress)
      } catch (thrown) {
        if (!delivered) {
          await this.#batches.delete(id)
          throw thrown
        }
      }
      return true
    })
    const begun = await Promise.race([carriedOut, answered])
    if (!begun) throw new Refusal(5720, 'There is a batch with this id already. Give another id, or none.', 'invalid-argument')
    return { id }
  }

  /** status carries out wallet_getCallsStatus. */
  async status(given: unknown, call: Call): Promise<CallsStatus> {
    const id = readId(given)
    const running = await this.#batches.running(id) // before the batch is read, so that what it has is whole if it does not run
    const batch = await this.#known(id)
    const { signal } = call
    const chain = this.#chainOf(batch.chainId, call.chain?.id === batch.chainId ? call : undefined)
    const found = await this.#receipts(batch, chain, signal)
    const receipts = found.filter((each) => each !== 'waiting' && each !== 'lost')
    const [mined, good] = [receipts.length, receipts.filter(({ status }) => status === '0x1').length]
    const status = running || found.includes('waiting') ? 100 : mined === 0 ? 400 : good === 0 ? 500 : good === batch.total ? 200 : 600
    return { version, id, chainId: hex(batch.chainId), status, atomic: false, ...(mined > 0 && { receipts }) }
  }

  /** show carries out wallet_showCallsStatus. */
  async show(id: unknown, call: Call): Promise<null> {
    const { from, chainId, total } = await this.#known(id)
    if (this.#host.consents) this.#accounts.of(from) // without a permission, a site shows nothing on a broker's screen
    const status = await this.status(id, call)
    await this.#consents.show(status, total, this.#chainOf(chainId, call.chain?.id === chainId ? call : undefined), call)
    return null
  }

  async #known(id: unknown): Promise<Batch> {
    const batch = await this.#batches.get(readId(id))
    if (!batch) throw new Refusal(5730, 'There is no batch of calls with this id here.', 'invalid-argument')
    return batch
  }

  /** #carryOut signs and sends the calls, in as few rounds as possible. */
  async #carryOut(asked: readonly Asked[], call: Call, progress: Progress): Promise<void> {
    const payer = asked[0]!
    while (progress.next < asked.length) {
      const wait = await this.#payments.exclusive(payer, call.signal, () => this.#round(asked, call, progress))
      if (wait) await this.#untilMined(progress.last!, payer.chain, call.signal)
    }
  }

  /**
   * #round carries out the next calls: those that can be completed now, until another transaction takes the nonce of one. It says whether
   * the last one has to be in a block before the next is completed.
   */
  async #round(asked: readonly Asked[], call: Call, progress: Progress): Promise<boolean> {
    const rest = asked.slice(progress.next)
    const payer = rest[0]!
    const { from, chain, account, request } = payer
    this.#accounts.of(from) // other requests may have changed the accounts while this one waited
    const again = await this.#payments.repeat(payer, request)
    if (again) {
      await progress.deliver(again, call.signal, async () => {})
      return false
    }
    const wanted = rest.map((each) => each.wanted)
    const { transactions, node } = await this.#signing.atNode(payer, call.signal, async (node, nextNonce) => ({
      transactions: await completeCalls(wanted, account, chain, node, nextNonce, call.signal),
      node,
    }))
    const { ethereum } = await this.#host.imkey()
    const { nativeCurrency } = chain
    const what = async (): Promise<What> => {
      await this.#signing.checkNonces(transactions, payer)
      const described = transactions.map(async (transaction) => ({
        transaction,
        description: await ethereum.describeTransaction(transaction, { nativeCurrency }),
      }))
      return {
        kind: 'calls',
        account: this.#accounts.of(from),
        chain: this.#consents.chain(chain),
        calls: await Promise.all(described),
        first: progress.next + 1,
        total: asked.length,
      }
    }
    /** send sends a call, and throws if it is known by then that the call failed, or if the batch was cancelled. */
    const send = async (i: number, signed: Entry, signal: AbortSignal | undefined) => {
      await progress.deliver(signed, signal, () => this.#payments.send(rest[i]!, signed, node))
      if (signal?.aborted) throw abortedByCaller(signal)
      if (progress.next === asked.length) return
      const found = await this.#chains.ask('eth_getTransactionReceipt', [signed.hash], signal, chain).catch(() => null)
      if (found) checkGood(found)
    }
    const work = async ({ signal = call.signal, signed: note, outside = (job) => job() }: Consent): Promise<Entry | undefined> => {
      for (const [i, transaction] of transactions.entries()) {
        const each = rest[i]!
        // The same was signed before, and may be on its way: then the next round repeats it.
        if (i > 0 && (await this.#payments.unsettled(each, each.request))) return undefined
        const signed = await this.#signing.sign(transaction, each, { ...call, signal }, 'sending')
        if (!signed) return undefined
        if (signal?.aborted) {
          await this.#payments.discard(signed)
          throw abortedByCaller(signal)
        }
        note?.(i, signed.hash)
        if (i === transactions.length - 1) return signed
        await outside(() => send(i, signed, signal))
      }
      return undefined
    }
    const last = await this.#consents.review(what, call, work).catch(unlessTaken)
    if (!last) return false
    await send(transactions.length - 1, last, call.signal)
    return transactions.length < rest.length
  }

  /** #untilMined resolves when a call is in a block. It rejects if the call failed: EIP-5792 says that a batch should stop then. */
  async #untilMined({ hash }: Entry, chain: Chain, signal: AbortSignal | undefined): Promise<void> {
    for (const end = Date.now() + settled; Date.now() < end;) {
      const found = await this.#chains.ask('eth_getTransactionReceipt', [hash], signal, chain)
      if (found) return checkGood(found)
      await unlessAborted(signal, new Promise((resolve) => setTimeout(resolve, 1000)))
    }
    throw coded('timeout', `the call ${hash} is not in a block after ${settled / 60_000} minutes`)
  }

  /** #read checks a request of wallet_sendCalls before anything is asked. */
  #read(value: unknown, call: Call): { asked: Asked[]; chain: Chain; id: string } {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badParams('the batch is not an object')
    const given = plain({ ...(value as Record<string, unknown>) })
    if (given['version'] !== version) throw badParams(`the version of the batch is not "${version}"`)
    const { atomicRequired, calls, capabilities } = given
    if (typeof atomicRequired !== 'boolean') throw badParams('atomicRequired is neither true nor false')
    if (!Array.isArray(calls) || calls.length === 0) throw badParams('the calls are not a list of at least one call')
    const id = given['id'] === undefined || given['id'] === null ? newId() : readId(given['id'])
    const chainId = readHexChainId(given['chainId'])
    const from = given['from'] === undefined || given['from'] === null ? this.#first() : readAddress(given['from'], 'the account')
    this.#accounts.of(from)
    const chain = this.#chainOf(chainId, call)
    checkCapabilities(capabilities)
    const read = calls.map((each: unknown) => readCall(each, from))
    for (const each of read) checkCapabilities(each.capabilities)
    if (atomicRequired) {
      throw new Refusal(
        5760,
        'An imKey signs each call as a transaction of its own, so it cannot guarantee that all calls succeed or none. Ask without atomicRequired if a part may fail.',
        'unsupported-method',
      )
    }
    if (calls.length > mostCalls) {
      throw new Refusal(
        5740,
        `The batch has ${calls.length} calls. At most ${mostCalls} are possible here: send several batches.`,
        'invalid-argument',
      )
    }
    const asked = read.map(({ transaction }) => this.#signing.read(transaction, { ...call, chain }))
    return { asked, chain, id }
  }

  /** #chainOf gives the chain with that id, also if another one is selected: the request names it, and the screens show it. */
  #chainOf(id: number, call?: Call): Chain {
    const chain = call?.chain ? (call.chain.id === id ? call.chain : undefined) : (this.#host.named?.(id) ?? this.#chains.get(id))
    if (!chain) throw new Refusal(5710, `Chain ${id} is not supported here. Add it with wallet_addEthereumChain first.`, 'invalid-argument')
    return chain
  }

  #first(): string {
    return this.#accounts.addresses[0]?.toLowerCase() ?? ''
  }

  /** #receipts gives the receipts of a batch, one after another: they are kept until all are there, so they count as read until then. */
  async #receipts(batch: Batch, chain: Chain, signal: AbortSignal | undefined): Promise<(Receipt | 'waiting' | 'lost')[]> {
    const over = new AbortController()
    const reading = this.#host.reads?.(() => over.abort())
    const found: (Receipt | 'waiting' | 'lost')[] = []
    try {
      for (const sent of batch.sent) {
        const receipt = await this.#receipt(batch, sent, chain, signal ? AbortSignal.any([signal, over.signal]) : over.signal)
        reading?.grow(JSON.stringify(receipt).length)
        found.push(receipt)
      }
      return found
    } catch (thrown) {
      throw over.signal.aborted && !signal?.aborted ? answersTooMuch() : thrown
    } finally {
      reading?.leave()
    }
  }

  /**
   * #receipt gives the receipt of a call. `lost`: it is not in a block, and cannot come into one any more, because another transaction
   * has its nonce. A node that lags behind does not know a new transaction, so this is concluded of an old batch only.
   */
  async #receipt(
    { from, at }: Batch,
    { hash, nonce }: Batch['sent'][number],
    chain: Chain,
    signal: AbortSignal | undefined,
  ): Promise<Receipt | 'waiting' | 'lost'> {
    const ask = (method: string, ...params: unknown[]) => this.#chains.ask(method, params, signal, chain)
    const found = await ask('eth_getTransactionReceipt', hash)
    if (found !== null && found !== undefined) return readReceipt(found, hash)
    if (Date.now() - at < settled || (await this.#chains.transaction(hash, chain))) return 'waiting'
    const count = Number(await ask('eth_getTransactionCount', from, 'latest'))
    return count > nonce ? 'lost' : 'waiting'
  }
}

/** How long a transaction may take into a block, in milliseconds, before one that no node knows counts as lost. */
const settled = 600_000

/** checkGood throws if a receipt says that a call failed. */
function checkGood(receipt: unknown) {
  if ((Object(receipt) as { status?: unknown }).status === '0x0') throw coded('protocol', 'a call of the batch failed')
}

/** readCall takes the fields of a call, which becomes a transaction. Other fields of transactions are none of calls. */
function readCall(value: unknown, from: string): { transaction: object; capabilities: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badParams('a call is not an object')
  const { to, data, value: amount, capabilities, ...others } = plain({ ...(value as Record<string, unknown>) })
  for (const [name, field] of Object.entries(others)) {
    if (field !== undefined && field !== null) throw badParams(`a call has a field that calls do not have (EIP-5792): ${name.slice(0, 50)}`)
  }
  return { transaction: { from, to, data, value: amount }, capabilities }
}

/** checkCapabilities refuses capabilities that the dApp cannot do without: there are none here. */
function checkCapabilities(value: unknown) {
  if (value === undefined || value === null) return
  if (typeof value !== 'object' || Array.isArray(value)) throw badParams('the capabilities are not an object')
  for (const [name, capability] of Object.entries(value)) {
    if ((Object(capability) as { optional?: unknown }).optional === true) continue
    throw new Refusal(
      5700,
      `The capability ${/^[\w.-]{1,50}$/.test(name) ? name : 'of that name'} is not supported here. Mark it as optional if the batch can do without.`,
      'unsupported-method',
    )
  }
}

function readId(value: unknown): string {
  if (typeof value !== 'string' || value === '' || value.length > mostId) {
    throw badParams(`the id of the batch is not text of at most ${mostId} characters`)
  }
  return value
}

const newId = () => toHex(crypto.getRandomValues(new Uint8Array(32)))

/** readReceipt takes what EIP-5792 names from a node's receipt. */
function readReceipt(value: unknown, hash: string): Receipt {
  const { logs, status, blockHash, blockNumber, gasUsed, transactionHash } = Object(value) as Record<string, unknown>
  const is = (text: unknown, form: RegExp): text is string => typeof text === 'string' && form.test(text)
  const quantity = /^0x[0-9a-f]{1,64}$/i
  if (
    !Array.isArray(logs) ||
    !is(status, /^0x[01]$/) ||
    !is(blockHash, /^0x[0-9a-f]{64}$/i) ||
    !is(blockNumber, quantity) ||
    !is(gasUsed, quantity) ||
    String(transactionHash).toLowerCase() !== hash
  ) {
    throw badNode('The node gave an impossible receipt.')
  }
  const taken = logs.map((log: unknown) => {
    const { address, data, topics } = Object(log) as Record<string, unknown>
    return { address, data, topics }
  })
  return { logs: taken, status, blockHash, blockNumber, gasUsed, transactionHash: hash }
}
