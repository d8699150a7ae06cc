import type { Device, Ethereum, TransactionRequest } from '../types/imkey'
import { acceptUnverified, type Accounts, allowUnbound, anotherWallet } from './accounts'
import type { Call } from './call'
import type { Chain } from './chain'
import type { Chains } from './chains'
import { readAddress } from './hex'
import type { Lease } from './lease'
import { Queue } from './queue'
import { abortedByCaller, NodeError, Refusal, unauthorized, wrongChain } from './refusal'
import type { Node } from './rpc'
import { complete, completed } from './transaction'
import { chainOf, readTypedData } from './typeddata'
import { readTransaction, type Wanted } from './wanted'

interface SignerOptions {
  path: string
  from: string
  allowUnbound: boolean
  acceptUnverified: boolean
  signal?: AbortSignal
}

/** Signature is how an account signs one request. */
interface Signature<T> {
  readonly make: (ethereum: Ethereum, options: SignerOptions) => Promise<T>
  /** check throws where the request may not be signed any more. It is called whenever something may have changed. */
  readonly check?: () => void
}

/** Asked is a dApp's transaction, with the account and the chain that it is for. */
interface Asked {
  readonly wanted: Wanted
  readonly account: string
  readonly chain: Chain
}

export type Signed = Awaited<ReturnType<Ethereum['signTransaction']>>

/** Signing signs messages, typed data and transactions with the accounts that the dApp may use. */
export class Signing {
  readonly #chains: Chains
  readonly #accounts: Accounts
  readonly #lease: Lease
  readonly #queues = new Map<string, Queue>() // of transactions, by chain and account

  constructor(chains: Chains, accounts: Accounts, lease: Lease) {
    this.#chains = chains
    this.#accounts = accounts
    this.#lease = lease
  }

  /** message signs text or bytes (EIP-191). */
  async message(address: unknown, message: string | Uint8Array, call: Call): Promise<string> {
    const account = this.#readAccount(address)
    return this.#withAccount(call, account, { make: async (ethereum, options) => (await ethereum.signMessage(message, options)).signature })
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

  /** transaction completes and signs a transaction, and gives its bytes in hex. It asks no node if the dApp left nothing out. */
  async transaction(value: unknown, call: Call): Promise<string> {
    const asked = this.#read(value)
    const whole = completed(asked.wanted, asked.account, asked.chain)
    if (whole) return (await this.#signTransaction(whole, asked, call)).raw
    return this.#inTurn(
      asked,
      call,
      async () => (await this.#signTransaction((await this.#complete(asked, call)).transaction, asked, call)).raw,
    )
  }

  /** send completes, signs and sends a transaction, and gives its hash. */
  async send(value: unknown, call: Call): Promise<string> {
    const asked = this.#read(value)
    return this.#inTurn(asked, call, async () => {
      const { transaction, node } = await this.#complete(asked, call)
      return this.#send(await this.#signTransaction(transaction, asked, call), asked.chain, node)
    })
  }

  #readAccount(address: unknown): string {
    const account = readAddress(address, 'the account')
    this.#accounts.of(account)
    return account
  }

  #read(value: unknown): Asked {
    const chain = this.#chains.selected
    const wanted = readTransaction(value, chain.id)
    return { wanted, chain, account: this.#accounts.of(wanted.from ?? this.#accounts.addresses[0]?.toLowerCase() ?? '').address }
  }

  /**
   * #inTurn carries out a transaction after the earlier ones of the account on that chain, on whose nonces its own depends. The device is
   * free meanwhile for requests that need no node.
   */
  #inTurn<T>({ chain, account }: Asked, { signal }: Call, job: () => Promise<T>): Promise<T> {
    const key = `${chain.id} ${account}`
    const queue = this.#queues.get(key) ?? new Queue(async () => {})
    this.#queues.set(key, queue)
    return queue.run(signal, () => abortedByCaller(signal), job)
  }

  /** #complete gives the whole transaction and the node that completed it. */
  async #complete({ wanted, account, chain }: Asked, { signal }: Call): Promise<{ transaction: TransactionRequest; node: Node }> {
    this.#accounts.of(account.toLowerCase()) // other requests may have changed the accounts while this one waited
    await this.#accounts.find() // without a device, no node need be asked
    this.#accounts.of(account.toLowerCase())
    return this.#chains
      .nodes(chain)
      .first(async (node) => ({ transaction: await complete(wanted, account, chain, node, signal), node }), { signal })
  }

  #signTransaction(transaction: TransactionRequest, { account, chain: { nativeCurrency } }: Asked, call: Call): Promise<Signed> {
    return this.#withAccount(call, account.toLowerCase(), {
      make: (ethereum, options) => ethereum.signTransaction(transaction, { ...options, nativeCurrency }),
    })
  }

  /**
   * #send hands a signed transaction to a node, at first the one that completed it. The same bytes are the same payment, so they go to the
   * next node if one fails. It takes no signal: a signature cannot be called back.
   */
  async #send({ raw, hash }: Signed, chain: Chain, prefer: Node): Promise<string> {
    const use = async (node: Node) => {
      await node.confirm()
      return node.ask('eth_sendRawTransaction', [raw])
    }
    let answer: unknown
    try {
      answer = await this.#chains.nodes(chain).first(use, { prefer })
    } catch (thrown) {
      // A node refuses a transaction that it already has: it may be signed twice, and a node that did not answer may have passed it on.
      if (thrown instanceof NodeError && (await this.#chains.hasTransaction(hash, chain))) return hash
      const silent = thrown instanceof NodeError || thrown instanceof Refusal ? (thrown.after ?? thrown) : thrown
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
  async #withAccount<T>(call: Call, address: string, { make, check }: Signature<T>): Promise<T> {
    let device: Device | undefined
    const recheck = () => {
      this.#accounts.of(address)
      check?.()
    }
    try {
      return await this.#lease.use(call, {
        find: async (open) => {
          recheck() // other requests may have changed the accounts while this one waited
          device = await this.#accounts.current(open)
          recheck()
          return device
        },
        run: async (device) => {
          recheck() // so may have happened while the device was opened and bound
          await this.#accounts.confirm(device, call.signal)
          recheck()
          const { path, address: from } = this.#accounts.of(address)
          return make(device.ethereum, { path, from, allowUnbound, acceptUnverified, ...(call.signal && { signal: call.signal }) })
        },
      })
    } catch (error) {
      if (!isForeignFrom(error)) throw error
      // Otherwise the accounts are another device's by now.
      if (this.#accounts.device === device) this.#accounts.forget(anotherWallet)
      throw unauthorized('Your imKey has another wallet now. Connect again by eth_requestAccounts to use its accounts.', error)
    }
  }
}

function isForeignFrom(error: unknown): boolean {
  const { code, data } = Object(error) as { code?: unknown; data?: { reason?: unknown; at?: unknown } }
  return code === 'invalid-argument' && (data?.reason === 'foreign-from' || data?.at === 'from')
}
