import type { coins } from '../sdk/protocol/coins'
import type { OtherCoin } from '../sdk/protocol/messages'
import type { Schema } from '../sdk/protocol/schema'
import { anotherWallet, notPluggedIn, revoked } from '../sdk/provider/accounts'
import { unlessAborted } from '../sdk/provider/call'
import type { Host } from '../sdk/provider/host'
import { Lease } from '../sdk/provider/lease'
import { abortedByCaller, badParams, Refusal, unauthorized, unknownMethod } from '../sdk/provider/refusal'
import type { Account, Consent } from '../sdk/provider/review'
import { standing } from '../sdk/provider/standing'
import type { Device, ImKey } from '../sdk/types/imkey'
import type { Around } from './around'
import type { CoinRecord, Records } from './records'
import type { What } from './types'

/** SignerOptions say which account of a device signs. */
export interface SignerOptions {
  readonly allowUnbound: false
  readonly acceptUnverified: true
  readonly signal?: AbortSignal
}

/** Work is one request to sign. */
export interface Work {
  /** The account that signs. The site may use it. */
  readonly account: Account
  /** Says what is signed. It uses no device, and throws where the request cannot be signed. */
  what(imkey: ImKey): Promise<What>
  /** Signs exactly that. */
  sign(device: Device, options: SignerOptions & { path: string; from: string }, consent: Consent): Promise<unknown>
}

/** Read is what a device gives of an account that the user chose. */
export type Read = Pick<CoinRecord, 'accounts' | 'keys'>

/** Answering is what a request that asks neither the user nor the device is answered with. */
export interface Answering {
  readonly around: Around
  readonly origin: string
  /** Is aborted when the request was cancelled, or the site left. */
  readonly signal: AbortSignal
  /** Gives the site's permission, and throws 4100 without one. */
  readonly record: () => CoinRecord
}

/** Kind is what a broker has to know of a coin. */
export interface Kind {
  readonly coin: OtherCoin
  readonly methods: (typeof coins)[keyof typeof coins]
  /** Gives the path of account n, as most wallets have it. */
  readonly path: (n: number, network?: string) => string
  /** Reads the accounts that the user chose by a path. */
  read(device: Device, path: string, options: SignerOptions, network?: string): Promise<Read>
  /** Gives what a site sees of its accounts. */
  sees(record: CoinRecord): readonly unknown[]
  /** Answers a request that asks neither the user nor the device. */
  answer?(method: string, params: unknown, by: Answering): Promise<unknown>
  /** Reads a request to sign, of params that fit the schema of the method. of gives an account of the site by its address. */
  work(method: string, params: unknown, of: (address: string) => Account, record: CoinRecord): Work
}

/** OtherWallet is what signing throws where the device does not have the account any more. */
export class OtherWallet extends Error {}

/**
 * CoinSite carries out the requests of one site for one coin besides Ethereum. The site has a permission of its own for each coin. A request to
 * sign is described by the module, shown to the user, and then confirmed on the device.
 */
export class CoinSite {
  readonly #around: Around
  readonly #records: Records
  readonly #host: Host
  readonly #origin: string
  readonly #kind: Kind
  readonly #lease: Lease
  readonly #tell: (accounts: readonly unknown[]) => void

  /** tell tells the site that its accounts changed. */
  constructor(around: Around, host: Host, origin: string, kind: Kind, tell: (accounts: readonly unknown[]) => void) {
    this.#around = around
    this.#records = around.records
    this.#host = host
    this.#origin = origin
    this.#kind = kind
    this.#lease = new Lease(host, () => {})
    this.#tell = tell
  }

  /** asks says whether a request asks the user. */
  asks(method: string, params: unknown): boolean {
    const { methods } = this.#kind
    if (!Object.hasOwn(methods, method)) return false
    const name = this.#name(method)
    if (name === 'requestAccounts') return !this.#allowed(params)
    return name.startsWith('sign')
  }

  async request(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    const { methods } = this.#kind
    if (!Object.hasOwn(methods, method)) throw unknownMethod(method)
    const schema = methods[method as keyof typeof methods] as Schema<unknown>
    let given: unknown
    try {
      // Some libraries give [] to a method without parameters.
      given = schema(Array.isArray(params) && params.length === 0 ? {} : params, 'the params')
    } catch (sentence) {
      throw badParams(String(sentence))
    }
    switch (this.#name(method)) {
      case 'accounts':
        return this.#allowed(given) ? this.accounts : []
      case 'revokePermissions':
        this.revoke()
        return null
      case 'requestAccounts':
        await this.#connect(method, given, signal)
        await this.#records.stored(this.#origin, this.#kind.coin)
        return this.accounts
    }
    const kind = this.#kind
    if (kind.answer && !this.#name(method).startsWith('sign')) {
      const record = () => this.#record ?? this.#none()
      return kind.answer(method, given, { around: this.#around, origin: this.#origin, signal, record })
    }
    const result = await this.#sign(method, given, signal)
    this.#records.used(this.#origin, this.#kind.coin)
    return result
  }

  get accounts(): readonly unknown[] {
    return this.#record ? this.#kind.sees(this.#record) : []
  }

  /** #allowed says whether the site has a permission for the network that a request names. */
  #allowed(params: unknown): boolean {
    const { network } = Object(params) as { network?: unknown }
    return this.#record !== undefined && (network === undefined || network === this.#record.network)
  }

  /** revoke takes the permission. */
  revoke() {
    const { coin } = this.#kind
    const had = this.#record !== undefined
    this.#around.prompts.abandon(
      (prompt) => prompt.origin === this.#origin && prompt.coin === coin && !connects.test(prompt.method),
      revoked(),
    )
    this.#records.revoke(this.#origin, coin)
    if (had) this.#tell([])
  }

  get #record(): CoinRecord | undefined {
    return this.#records.coinPermission(this.#origin, this.#kind.coin)
  }

  /** #name is the method without its coin. */
  #name(method: string): string {
    return method.slice(this.#kind.coin.length + 1)
  }

  /** #connect asks whether the site may see addresses, and reads them. */
  async #connect(method: string, params: unknown, signal: AbortSignal): Promise<void> {
    const { coin, path } = this.#kind
    const { network } = params as { network?: string }
    const of = network === undefined ? {} : { network }
    const allowed = new Error('an earlier request has asked')
    const what = async (): Promise<What> => {
      if (this.#allowed(params)) throw allowed
      return { kind: 'accounts', coin, ...of }
    }
    if (this.#allowed(params)) return
    await this.#around
      .review(this.#origin, what, { method, signal }, async ({ paths = [path(0, network)], compare, signal: own = signal }) => {
        const device = await unlessAborted(own, this.#host.find(false, method, undefined, own))
        await this.#lease.use(
          { method, signal: own },
          {
            find: async () => device,
            mayPair: true,
            run: async (device) => {
              const read: Read[] = []
              for (const path of paths) {
                const got = await this.#kind.read(device, path, { ...standing, signal: own }, network)
                compare?.(
                  path,
                  got.accounts.map(({ address }) => address),
                )
                read.push(got)
              }
              if (own.aborted) throw abortedByCaller(own)
              const now = Date.now()
              const accounts = read.flatMap(({ accounts }) => accounts)
              const keys = read.flatMap(({ keys = [] }) => keys)
              const record = { origin: this.#origin, coin, since: now, used: now, accounts, serial: device.serialNumber, ...of }
              this.#records.allow(keys.length > 0 ? { ...record, keys } : record)
              this.#tell(this.accounts)
            },
          },
        )
      })
      .catch((thrown: unknown) => {
        if (thrown !== allowed) throw thrown
      })
  }

  async #sign(method: string, params: unknown, signal: AbortSignal): Promise<unknown> {
    const work = this.#kind.work(method, params, (address) => this.#account(address), this.#record ?? this.#none())
    const { address, path } = work.account
    await this.#find()
    const what = async () => {
      this.#account(address) // it may have been taken while the request waited
      try {
        return await work.what(await this.#around.imkey())
      } catch (thrown) {
        const { reason } = (Object(thrown) as { data?: { reason?: unknown } }).data ?? {}
        throw reason === 'foreign-from' ? anotherSigner(thrown) : thrown
      }
    }
    return this.#around.review(this.#origin, what, { method, signal }, (consent) => {
      const own = consent.signal ?? signal
      return this.#lease.use(
        { method, signal: own },
        {
          find: () => this.#find(),
          mayPair: true,
          run: async (device) => {
            this.#account(address)
            try {
              return await work.sign(device, { ...standing, path, from: address, signal: own }, consent)
            } catch (thrown) {
              const foreign = (Object(thrown) as { data?: { reason?: unknown } }).data?.reason === 'foreign-from'
              if (!foreign && !(thrown instanceof OtherWallet)) throw thrown
              this.revoke() // as for Ethereum: the accounts are gone
              throw unauthorized(anotherWallet, thrown)
            }
          },
        },
      )
    })
  }

  /** #account gives the account with an address. It throws 4100 where the site may not use it. */
  #account(address: string): Account {
    const account = this.#record?.accounts.find((one) => one.address === address)
    if (account) return account
    if (!this.#record) return this.#none()
    throw unauthorized('The account is none that the site may use. Use one of those, or connect again.')
  }

  #none(): never {
    throw unauthorized('The site has to ask for the accounts first.')
  }

  /** #find gives the device that the accounts are on. Only its signature proves that it is. */
  async #find(): Promise<Device> {
    const devices = await (await this.#around.imkey()).getDevices()
    const { serial } = this.#record ?? {}
    const device = devices.find((one) => one.serialNumber === serial)
    if (!device) throw notPluggedIn()
    return device
  }
}

const connects = /_requestAccounts$/

/** anotherSigner is the error of a request in which another account acts than the one that it names. */
export const anotherSigner = (cause?: unknown) =>
  new Refusal(4100, 'Another account acts in this than the one that is to sign it.', 'invalid-argument', false, cause, {
    reason: 'foreign-from',
  })

/** bytesOf reads bytes in hex after 0x. */
export function bytesOf(text: string): Uint8Array {
  if (!/^0x([\da-f]{2})*$/i.test(text)) throw badParams('the message is not bytes in hex after 0x')
  return Uint8Array.from(text.slice(2).match(/../g) ?? [], (pair) => parseInt(pair, 16))
}
