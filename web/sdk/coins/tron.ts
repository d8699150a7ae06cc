// What a provider for TRON does (TIP-1193) whatever its wallet is: the device in the page, or a broker. It does not depend on tronweb: a site
// gives its own TronWeb, whose signing methods then ask the wallet.

import { Events, type Listener } from '../provider/events'
import { Refusal } from '../provider/refusal'
import type { ErrorCode, ProviderInfo, TypedData } from '../types/imkey'
import type { SignedTronTransaction, TronProvider, TronTransaction, TronWeb } from '../types/tron'
import { announced } from './announce'
import type { Ask } from './ask'

/** The main network, as dApps write its id. */
export const mainnet = '0x2b6653dc'

/** Claims are a transaction as the device is asked to sign it. */
export interface Claims {
  readonly rawData: string
  readonly txID: string
  readonly amount?: number
}

/** TronWallet signs with the accounts that the user chose. */
export interface TronWallet {
  /** Asks the user, and gives the addresses. */
  connect(): Promise<readonly string[]>
  /** Gives those that the user allowed before, without a question. */
  known?(): Promise<readonly string[]>
  revoke(): void
  /** Each gives the signature. from is one of the addresses. */
  signTransaction(claims: Claims, from: string): Promise<string>
  signMessage(message: string | Uint8Array, from: string, format?: { version: 1; header: 'TRON' | 'ETH' }): Promise<string>
  signTypedData(document: TypedData, from: string): Promise<string>
}

/** TronOptions are the options of a provider. */
export interface TronOptions {
  readonly wallet: TronWallet
  readonly tronWeb: TronWeb
  readonly chainId: string
  /** Makes the error with which request rejects. */
  readonly error: (thrown: unknown) => Error
}

/** Made is a provider, and what its wallet tells it. */
export interface Made {
  readonly provider: TronProvider
  /** The accounts changed: with none, the permission was taken. */
  readonly changed: (accounts: readonly string[]) => void
  /** The device or the wallet is gone. */
  readonly gone: (error: Error) => void
}

const refused = (number: number, code: ErrorCode, message: string) => new Refusal(number, message, code)
const malformed = (message: string) => refused(-32602, 'invalid-argument', message)

export function makeTronProvider({ wallet, tronWeb, chainId, error }: TronOptions): Made {
  const events = new Events()
  let accounts: readonly string[] = []
  let asking: Promise<readonly string[]> | undefined

  function changed(now: readonly string[]) {
    const before = accounts.join()
    accounts = [...now]
    if (before === accounts.join()) return
    show(tronWeb, accounts[0])
    events.emit('accountsChanged', [...accounts])
  }

  async function connect(): Promise<readonly string[]> {
    const given = await wallet.connect()
    const before = accounts.join()
    accounts = [...given]
    show(tronWeb, accounts[0])
    events.emit('connect', { chainId })
    if (before !== accounts.join()) events.emit('accountsChanged', [...accounts])
    return [...accounts]
  }

  /** signs calls the wallet with an account that the site was given: the first one, unless the request names another one of them. */
  async function signs<T>(sign: (from: string) => Promise<T>, wanted?: unknown): Promise<T> {
    try {
      const [first] = accounts
      if (first === undefined) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
      const named = accounts.find((one) => typeof wanted === 'string' && hexOf(one) === hexOf(wanted))
      return await sign(named ?? first)
    } catch (thrown) {
      throw error(thrown)
    }
  }

  async function signTransaction(transaction: TronTransaction, again: boolean): Promise<SignedTronTransaction> {
    if (transaction.signature?.length && !again) throw error(malformed('The transaction is already signed.'))
    const copy = structuredClone(transaction)
    const owner: unknown = copy.raw_data.contract[0]?.parameter?.value?.owner_address
    const signature = await signs(async (from) => wallet.signTransaction(claims(copy, from), from), owner)
    return { ...copy, signature: [...(copy.signature ?? []), signature] }
  }

  const noKey = (privateKey: unknown) => {
    if (privateKey) throw error(malformed('The imKey signs with its own key.'))
  }
  const signMessageV2 = async (message: string | Uint8Array | readonly number[], privateKey?: unknown) => {
    noKey(privateKey)
    const bytes = typeof message === 'string' ? message : Uint8Array.from(message)
    return signs((from) => wallet.signMessage(bytes, from))
  }
  const sign = async (input: string | TronTransaction, privateKey?: unknown, useTronHeader = true, multisig = false): Promise<unknown> => {
    noKey(privateKey)
    if (typeof input !== 'string') return signTransaction(input, multisig)
    if (!/^(0x)?([0-9a-f]{2})+$/i.test(input)) throw error(malformed('Expected hex message input'))
    const message = Uint8Array.from(input.replace(/^0x/i, '').match(/../g)!, (pair) => parseInt(pair, 16))
    const header = useTronHeader ? 'TRON' : 'ETH'
    return signs((from) => wallet.signMessage(message, from, { version: 1, header }))
  }
  const signTypedData = async (domain: object, types: TypedData['types'], message: object, privateKey?: unknown) => {
    noKey(privateKey)
    return signs((from) => wallet.signTypedData({ domain, types, primaryType: primaryType(types), message }, from))
  }
  const multiSign = async (transaction: TronTransaction, privateKey?: unknown, permissionId = 0) => {
    noKey(privateKey)
    const given = transaction.raw_data.contract[0]?.Permission_id ?? 0
    if (permissionId !== given && permissionId > 0) throw error(malformed('The transaction is for another permission.'))
    return signTransaction(transaction, true)
  }
  tronWeb.trx = Object.assign(tronWeb.trx ?? {}, {
    sign,
    signTransaction: sign,
    signMessage: sign,
    signMessageV2,
    signTypedData,
    _signTypedData: signTypedData,
    multiSign,
  })
  tronWeb.defaultAddress ??= { base58: false, hex: false }

  const provider: TronProvider = {
    isImKey: true,
    tronWeb: tronWeb as TronProvider['tronWeb'],
    async request({ method, params }) {
      try {
        switch (method) {
          case 'eth_requestAccounts':
          case 'tron_requestAccounts':
            asking ??= connect().finally(() => (asking = undefined))
            return await asking
          case 'eth_accounts':
          case 'tron_accounts':
            if (accounts.length === 0 && wallet.known) changed(await wallet.known())
            return [...accounts]
          case 'eth_chainId':
            return chainId
          case 'wallet_switchEthereumChain': {
            const [wanted] = Array.isArray(params) ? (params as { chainId?: unknown }[]) : []
            if (String(wanted?.chainId).toLowerCase() === chainId) return null
            // A transaction of TRON names no network, so the provider cannot be for another one than the site's nodes.
            throw refused(4902, 'invalid-argument', 'This provider is for one network.')
          }
          case 'wallet_revokePermissions':
            wallet.revoke()
            accounts = []
            show(tronWeb, undefined)
            events.emit('accountsChanged', [])
            return null
        }
        throw refused(4200, 'unsupported-method', `This provider does not have ${method.slice(0, 64)}.`)
      } catch (thrown) {
        throw error(thrown)
      }
    },
    on(event: string, listener: Listener) {
      events.add(event, listener)
      return provider
    },
    removeListener(event: string, listener: Listener) {
      events.remove(event, listener)
      return provider
    },
  }
  return { provider, changed, gone: (why) => events.emit('disconnect', why) }
}

export const announceTronProvider = (provider: TronProvider, info?: ProviderInfo): (() => void) =>
  announced({ announce: 'TIP6963:announceProvider', request: 'TIP6963:requestProvider' }, provider, info)

/** show sets the account that dApps read from tronWeb. */
function show(tronWeb: TronWeb, address: string | undefined) {
  if (address !== undefined && tronWeb.setAddress) tronWeb.setAddress(address)
  else tronWeb.defaultAddress = address === undefined ? { base58: false, hex: false } : { base58: address, hex: hexOf(address) }
}

/**
 * claims is what the device is asked to sign. What the JSON says of it has to be in the raw data: the type, the addresses, the call and the
 * amount of a transfer. Core checks the owner, the id and the amount again. A node makes its own raw data of the JSON, and so compares the rest.
 */
function claims({ txID, raw_data: { contract }, raw_data_hex: rawData }: TronTransaction, account: string) {
  const raw = rawData.toLowerCase()
  const [only, ...others] = contract
  const value: Record<string, unknown> = only?.parameter?.value ?? {}
  const says = [textHex(`protocol.${only?.type}`), hexOf(account)]
  for (const [name, part] of Object.entries(value)) {
    if (/(_address|^data)$/.test(name)) says.push(hexOf(String(part)))
  }
  if (others.length > 0 || hexOf(String(value.owner_address)) !== hexOf(account) || !says.every((hex) => raw.includes(hex))) {
    throw malformed('raw_data and raw_data_hex contradict each other, or the owner is another account.')
  }
  return { rawData, txID, ...(only?.type === 'TransferContract' && { amount: value.amount as number }) }
}

const textHex = (text: string) => Array.from(new TextEncoder().encode(text), (byte) => byte.toString(16).padStart(2, '0')).join('')

const alphabet = '123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz'

/** hexOf returns an address in hex: 41 and 40 digits. Its checksum is not checked. */
function hexOf(address: string): string {
  if (!address.startsWith('T')) return address.toLowerCase().replace(/^0x/, '')
  let number = 0n
  for (const c of address) number = number * 58n + BigInt(Math.max(0, alphabet.indexOf(c)))
  return (number >> 32n).toString(16)
}

/** primaryType returns the type that no other one refers to, as tronweb does. */
function primaryType(types: TypedData['types']): string {
  const named = Object.values(types).flatMap((fields) => fields.map(({ type }) => type.replace(/\[.*$/, '')))
  const [only, ...others] = Object.keys(types).filter((name) => name !== 'EIP712Domain' && !named.includes(name))
  if (only === undefined || others.length > 0) throw malformed('The typed data have no single primary type.')
  return only
}

/** brokerTron is the wallet of a broker. */
export function brokerTron(ask: Ask): TronWallet {
  return {
    connect: async () => addressesOf(await ask('tron_requestAccounts', {})),
    known: async () => addressesOf(await ask('tron_accounts', {})),
    revoke: () => void ask('tron_revokePermissions', {}).catch(() => {}),
    signTransaction: async (claims, from) => String(Object(await ask('tron_signTransaction', { ...claims, from })).signature),
    signMessage: async (message, from, format) => {
      const isText = typeof message === 'string'
      return String(await ask('tron_signMessage', { message, isText, from, ...format }))
    },
    signTypedData: async (document, from) => String(await ask('tron_signTypedData', { document, from })),
  }
}

/** addressesOf reads addresses that a broker sent. */
export function addressesOf(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === 'string') : []
}
