import type { Device, Ethereum, TransactionRequest } from '../types/imkey'
import type { Accounts } from './accounts'
import type { Call } from './call'
import type { Chain } from './chain'
import type { Chains } from './chains'
import { readAddress, readBytes, toBytes } from './hex'
import type { Lease } from './lease'
import { badParams, NodeError, Refusal, unauthorized, wrongChain } from './refusal'
import { complete } from './transaction'
import { chainOf, readTypedData } from './typeddata'
import { readTransaction } from './wanted'

/**
 * The device's key was accepted when this site bound it: by a trusted CA, or by the user. The record keeps that key, and another
 * key is refused. A device that is not bound is refused before this matters.
 */
export const acceptUnverified = true

/** The default, but set: a field that an object lacks comes from Object.prototype, to which any script can add. */
export const allowUnbound = false

interface SignerOptions {
  path: string
  from: string
  allowUnbound: boolean
  acceptUnverified: boolean
  signal?: AbortSignal
}

/** Signature is how an account signs one request. */
interface Signature<T, R> {
  readonly make: (ethereum: Ethereum, options: SignerOptions) => Promise<T>
  /** before is called when the turn comes, with no device open yet. */
  readonly before?: () => Promise<void>
  /** after still belongs to the turn. */
  readonly after?: (made: T) => Promise<R>
  /** check throws where the request may not be signed any more. It is called whenever something may have changed. */
  readonly check?: () => void
}

export type Signed = Awaited<ReturnType<Ethereum['signTransaction']>>

/** Signing signs messages, typed data and transactions with the accounts that the dApp may use. */
export class Signing {
  readonly #chains: Chains
  readonly #accounts: Accounts
  readonly #lease: Lease

  constructor(chains: Chains, accounts: Accounts, lease: Lease) {
    this.#chains = chains
    this.#accounts = accounts
    this.#lease = lease
  }

  /** message signs text, or the bytes of a string that begins with 0x (EIP-191). */
  async message(address: unknown, message: unknown, call: Call): Promise<string> {
    const account = this.#readAccount(address)
    if (typeof message !== 'string') throw badParams('the message is not text')
    // Text that looks like hex, but is not, is refused: a guess could sign something else.
    const signed = /^0x/i.test(message) ? toBytes(readBytes(message, 'the message')) : message
    return this.#withAccount(call, account, { make: async (ethereum, options) => (await ethereum.signMessage(signed, options)).signature })
  }

  /** typedData signs a document of EIP-712, whose chain has to be the selected one. */
  async typedData(address: unknown, value: unknown, version: 'V3' | 'V4', call: Call): Promise<string> {
    const account = this.#readAccount(address)
    const document = readTypedData(value)
    const chainId = chainOf(document)
    const check = () => {
      if (chainId !== undefined && chainId !== String(this.#chains.id)) {
        throw wrongChain(`The typed data is for chain ${chainId}, but chain ${this.#chains.id} is selected. Switch the chain first.`)
      }
    }
    check()
    return this.#withAccount(call, account, {
      make: async (ethereum, options) => (await ethereum.signTypedData(document, { ...options, version })).signature,
      check,
    })
  }

  /** transaction completes and signs a transaction, and gives its bytes in hex. */
  transaction(value: unknown, call: Call): Promise<string> {
    return this.#sign(value, call, async ({ raw }) => raw)
  }

  /** send completes, signs and sends a transaction, and gives its hash. */
  send(value: unknown, call: Call): Promise<string> {
    return this.#sign(value, call, (signed, chain) => this.#send(signed, chain))
  }

  #readAccount(address: unknown): string {
    const account = readAddress(address, 'the account')
    this.#accounts.of(account)
    return account
  }

  /** #sign holds the turn until after is done: the nonce of the next transaction depends on it. */
  async #sign<R>(value: unknown, call: Call, after: (signed: Signed, chain: Chain) => Promise<R>): Promise<R> {
    const chain = this.#chains.selected
    const wanted = readTransaction(value, chain.id)
    const account = this.#accounts.of(wanted.from ?? this.#accounts.addresses[0]?.toLowerCase() ?? '').address
    const { nativeCurrency } = chain
    let transaction: TransactionRequest
    return this.#withAccount(call, account.toLowerCase(), {
      before: async () => {
        transaction = await complete(
          wanted,
          account,
          chain,
          (method, params, signal) => this.#chains.ask(method, params, signal, chain),
          call.signal,
        )
      },
      make: (ethereum, options) => ethereum.signTransaction(transaction, { ...options, nativeCurrency }),
      after: (signed) => after(signed, chain),
    })
  }

  /** #send hands a signed transaction to the node. It takes no signal: a signature cannot be called back. */
  async #send({ raw, hash }: Signed, chain: Chain): Promise<string> {
    let answer: unknown
    try {
      answer = await this.#chains.ask('eth_sendRawTransaction', [raw], undefined, chain)
    } catch (thrown) {
      // A node refuses a transaction that it already has: it may be signed twice, and a node that did not answer may have passed it on.
      if (thrown instanceof NodeError && (await this.#chains.hasTransaction(hash, chain))) return hash
      const silent = thrown instanceof NodeError ? thrown.after : thrown
      if (!(silent instanceof Refusal)) throw thrown // the node's own error
      throw Object.assign(silent, {
        message: `${silent.message} The transaction may have been sent all the same, as ${hash}: look it up before you send it again.`,
      })
    }
    if (String(answer).toLowerCase() !== hash.toLowerCase()) {
      throw new Refusal(
        -32603,
        `The node answered with another hash. If the transaction was sent, its hash is ${hash}: look it up before you send it again.`,
        'protocol',
      )
    }
    return hash
  }

  /** #withAccount signs with an account, if the dApp may still use it by then. Accounts of a wallet that was replaced are forgotten. */
  async #withAccount<T, R = T>(call: Call, address: string, { make, before, after, check }: Signature<T, R>): Promise<R> {
    let device: Device | undefined
    const recheck = () => {
      this.#accounts.of(address)
      check?.()
    }
    try {
      return await this.#lease.use<T, R>(call, {
        find: async () => {
          recheck() // other requests may have changed the accounts while this one waited
          device = await this.#accounts.current()
          await before?.()
          recheck()
          return device
        },
        run: ({ ethereum }) => {
          recheck() // so may have happened while the device was opened and bound
          const { path, address: from } = this.#accounts.of(address)
          return make(ethereum, { path, from, allowUnbound, acceptUnverified, ...(call.signal && { signal: call.signal }) })
        },
        after,
      })
    } catch (error) {
      if (!isForeignFrom(error)) throw error
      // Otherwise the accounts are another device's by now.
      if (this.#accounts.device === device) this.#accounts.forget('Your imKey has another wallet now. Connect again to use its accounts.')
      throw unauthorized('Your imKey has another wallet now. Connect again by eth_requestAccounts to use its accounts.', error)
    }
  }
}

function isForeignFrom(error: unknown): boolean {
  const { code, data } = Object(error) as { code?: unknown; data?: { reason?: unknown; at?: unknown } }
  return code === 'invalid-argument' && (data?.reason === 'foreign-from' || data?.at === 'from')
}
