import type { Device, Ethereum, ImKey, TransactionRequest } from '../types/imkey'
import { type Accounts, anotherWallet } from './accounts'
import type { Call } from './call'
import type { Chains } from './chains'
import { readAddress } from './hex'
import type { Host } from './host'
import { type Entry, fingerprint } from './journal'
import type { Lease } from './lease'
import { shown } from './message'
import type { Counts } from './nonce'
import type { Payer, Payments } from './payments'
import { unauthorized, wrongChain } from './refusal'
import type { Node } from './rpc'
import type { Consent, What } from './review'
import { checkSignIn, describeSignIn, ownOrigin, readSignIn } from './signin'
import { standing } from './standing'
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

/** Asked is a dApp's transaction, and who pays for it. */
export interface Asked extends Payer {
  readonly wanted: Wanted
  /** The address in the form in which the device gave it. */
  readonly account: string
  /** The fingerprint, by which the same request is known again. */
  readonly request: string
}

/** Signing signs messages, typed data and transactions with the accounts that the dApp may use. */
export class Signing {
  readonly #host: Host
  readonly #chains: Chains
  readonly #accounts: Accounts
  readonly #lease: Lease
  readonly #payments: Payments

  constructor(host: Host, chains: Chains, accounts: Accounts, lease: Lease, payments: Payments) {
    this.#host = host
    this.#chains = chains
    this.#accounts = accounts
    this.#lease = lease
    this.#payments = payments
  }

  /** message signs text or bytes (EIP-191). A sign-in message has to be for this site (EIP-4361). */
  async message(address: unknown, message: string | Uint8Array, call: Call): Promise<string> {
    const account = this.#readAccount(address)
    const said = readSignIn(message)
    const origin = this.#host.origin ?? ownOrigin()
    const signIn = said && describeSignIn(message, said, { origin, address: account, chainId: this.#chains.of(call).id })
    const { consents, settings } = this.#host
    if (signIn && !consents) await checkSignIn(signIn, settings.confirmSignIn, call.signal)
    const what = async ({ ethereum }: ImKey): Promise<What> => ({
      kind: 'message',
      account: this.#accounts.of(account),
      ...shown(message),
      description: await ethereum.describeMessage(message),
      ...(signIn && { signIn }),
    })
    return this.#reviewed(what, call, async ({ override }, call) => {
      // The screen has warned the user. Only a consent that says so counts for another site.
      if (signIn && consents) await checkSignIn(signIn, () => override, call.signal)
      return this.#withAccount({ ...call, ...(signIn && { signIn }) }, account, {
        make: async (ethereum, options) => (await ethereum.signMessage(message, options)).signature,
      })
    })
  }

  /** typedData signs a document of EIP-712, whose chain has to be the selected one. */
  async typedData(address: unknown, value: unknown, version: 'V3' | 'V4', call: Call): Promise<string> {
    const account = this.#readAccount(address)
    const document = readTypedData(value)
    const chainId = chainOf(document)
    const check = () => {
      const { id } = this.#chains.of(call)
      if (chainId !== undefined && chainId !== String(id)) {
        throw wrongChain(`The typed data is for chain ${chainId}, but chain ${id} is selected. Switch the chain first.`)
      }
    }
    check()
    const what = async ({ ethereum }: ImKey): Promise<What> => ({
      kind: 'typed-data',
      account: this.#accounts.of(account),
      document,
      version,
      description: await ethereum.describeTypedData(document, { version }),
    })
    return this.#reviewed(what, call, (_, call) =>
      this.#withAccount(call, account, {
        make: async (ethereum, options) => (await ethereum.signTypedData(document, { ...options, version })).signature,
        check,
      }),
    )
  }

  /** transaction completes and signs a transaction, and gives its bytes in hex. It asks no node if the dApp left nothing out. */
  async transaction(value: unknown, call: Call): Promise<string> {
    const asked = this.read(value, call)
    const whole = completed(asked.wanted, asked.account, asked.chain)
    const sign = async (): Promise<Entry> => {
      const { transaction } = whole ? { transaction: whole } : await this.#complete(asked, call)
      return (await this.#signTransaction(transaction, asked, call, 'signed')) ?? sign()
    }
    return (await (whole ? sign() : this.#payments.exclusive(asked, call.signal, sign))).raw
  }

  /**
   * send completes, signs and sends a transaction, and gives its hash. It sends what the same request signed before, if the dApp was not
   * told that it was sent. The device is free for requests that need no node while a node is asked.
   */
  async send(value: unknown, call: Call): Promise<string> {
    const asked = this.read(value, call)
    return this.#payments.exclusive(asked, call.signal, async () => {
      this.#accounts.of(asked.from) // other requests may have changed the accounts while this one waited
      const sent = await this.#payments.repeat(asked, asked.request)
      if (sent) return sent.hash
      for (;;) {
        const { transaction, node } = await this.#complete(asked, call)
        const signed = await this.#signTransaction(transaction, asked, call, 'sending')
        if (signed) return this.#payments.send(asked, signed, node)
      }
    })
  }

  #readAccount(address: unknown): string {
    const account = readAddress(address, 'the account')
    this.#accounts.of(account)
    return account
  }

  /** read checks a dApp's transaction. */
  read(value: unknown, call: Call): Asked {
    const chain = this.#chains.of(call)
    const wanted = readTransaction(value, chain.id)
    const account = this.#accounts.of(wanted.from ?? this.#accounts.addresses[0]?.toLowerCase() ?? '').address
    const from = account.toLowerCase()
    const { consents, origin } = this.#host
    // Two sites that ask for the same ask for two payments.
    const request = fingerprint({ ...wanted, from, chainId: chain.id, ...(consents && { origin }) })
    return { wanted, chain, account, from, request }
  }

  /** #complete gives the whole transaction and the node that completed it. */
  async #complete(asked: Asked, { signal }: Call): Promise<{ transaction: TransactionRequest; node: Node }> {
    const { wanted, account, chain } = asked
    return this.atNode(asked, signal, async (node, nextNonce) => ({
      transaction: await complete(wanted, account, chain, node, nextNonce, signal),
      node,
    }))
  }

  /** atNode completes transactions of an account at the first node that can. use gets what chooses the next nonce. */
  async atNode<T>(
    asked: Asked,
    signal: AbortSignal | undefined,
    use: (node: Node, nextNonce: (counts: Counts) => Promise<number>) => Promise<T>,
  ): Promise<T> {
    this.#accounts.of(asked.from)
    await this.#accounts.find() // without a device, no node need be asked
    this.#accounts.of(asked.from)
    const nextNonce = (node: Node) => (counts: Counts) => this.#payments.nextNonce(asked, counts, node)
    return this.#chains.nodes(asked.chain).first((node) => use(node, nextNonce(node)), { signal })
  }

  /**
   * #signTransaction signs a transaction and records it while it has the device, so that the next one knows of it. The event says which
   * one it replaces. It resolves to undefined if the dApp did not name the nonce and another transaction has it by now.
   */
  async #signTransaction(transaction: TransactionRequest, asked: Asked, call: Call, state: Entry['state']): Promise<Entry | undefined> {
    const { from, chain } = asked
    const { consents } = this.#host
    let before: string | undefined
    const what = async ({ ethereum }: ImKey): Promise<What> => {
      await this.checkNonces([transaction], asked)
      before = await this.#payments.at(asked, Number(transaction.nonce))
      return {
        kind: 'transaction',
        account: this.#accounts.of(from),
        chain: consents!.chain(chain),
        transaction,
        description: await ethereum.describeTransaction(transaction, { nativeCurrency: chain.nativeCurrency }),
        sends: state === 'sending',
        ...(before !== undefined && { replaces: before }),
      }
    }
    return this.#reviewed(what, call, (_, call) => this.sign(transaction, asked, call, state, before)).catch(unlessTaken)
  }

  /** checkNonces throws if a nonce that the dApp did not name is taken by now: see unlessTaken. */
  async checkNonces(transactions: readonly TransactionRequest[], asked: Asked): Promise<void> {
    if (asked.wanted.nonce !== undefined) return
    for (const { nonce } of transactions) if (await this.#payments.isTaken(asked, Number(nonce))) throw taken
  }

  /**
   * sign signs a transaction, and records it while it has the device, so that the next one knows of it. It resolves to undefined if the
   * dApp did not name the nonce and another transaction has it by now. A screen has said that it replaces the one with the hash before.
   */
  sign(transaction: TransactionRequest, asked: Asked, call: Call, state: Entry['state'], before?: string): Promise<Entry | undefined> {
    const { from, chain, request, wanted } = asked
    const nonce = Number(transaction.nonce)
    const own = { ...call }
    return this.#withAccount(own, from, {
      make: async (ethereum, options) => {
        const replaces = await this.#payments.at(asked, nonce)
        // The screen has said what it replaces.
        if (wanted.nonce === undefined ? await this.#payments.isTaken(asked, nonce) : this.#host.consents && replaces !== before)
          return undefined
        if (replaces !== undefined) own.replaces = replaces
        const signed = await ethereum.signTransaction(transaction, { ...options, nativeCurrency: chain.nativeCurrency })
        return this.#payments.record(asked, signed, nonce, request, state)
      },
    })
  }

  /** #reviewed does the work after a review. The user is not asked about what cannot be signed because the device is not there. */
  async #reviewed<T>(what: (imkey: ImKey) => Promise<What>, call: Call, work: (consent: Consent, call: Call) => Promise<T>): Promise<T> {
    const { consents } = this.#host
    if (!consents) return work({}, call)
    await this.#accounts.find()
    const imkey = await this.#host.imkey()
    return consents.review(
      () => what(imkey),
      call,
      (consent) => work(consent, { ...call, signal: consent.signal ?? call.signal }),
    )
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
        mayPair: true,
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
          return make(device.ethereum, { path, from, ...standing, ...(call.signal && { signal: call.signal }) })
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

/** taken is thrown where another transaction took a nonce while one waited for its turn. */
const taken = new Error('the nonce is taken')

/** unlessTaken gives undefined where another transaction took a nonce. Then the transaction is completed again. */
export function unlessTaken(thrown: unknown): undefined {
  if (thrown !== taken) throw thrown
}

function isForeignFrom(error: unknown): boolean {
  const { code, data } = Object(error) as { code?: unknown; data?: { reason?: unknown; at?: unknown } }
  return code === 'invalid-argument' && (data?.reason === 'foreign-from' || data?.at === 'from')
}
