// A provider for TRON (TIP-1193) and its announcement (TIP-6963). It does not depend on tronweb: a site gives its own TronWeb, whose signing
// methods then ask the device.

import type { Device } from 'imkey-connect'
import { Events, type Listener } from '../provider/events'
import { icon } from '../provider/icon'
import type { ProviderInfo, TypedData } from '../types/imkey'
import type { SignedTronTransaction, TronProvider, TronProviderOptions, TronTransaction, TronWeb } from '../types/tron'
import { malformed, opening, refused, rpcError } from './opening'

/** The ids of TRON's networks, as dApps write them. */
const mainnet = '0x2b6653dc'

export function createTronProvider(options: TronProviderOptions = {}): TronProvider {
  const { tronWeb = {}, chainId = mainnet, path, pairing = 'dialog', ...load } = options
  if (typeof tronWeb !== 'object' || tronWeb === null) throw new TypeError('tronWeb is not an object')
  if (!/^0x[0-9a-f]{1,8}$/.test(chainId)) throw new TypeError('chainId is not 0x and hex digits in lower case')
  const events = new Events()
  const at = path === undefined ? {} : { path }
  let account: string | undefined
  let asking: Promise<readonly string[]> | undefined

  const { found } = opening({
    load,
    pairing,
    gone: () => events.emit('disconnect', refused(4900, 'device-disconnected', 'The imKey was unplugged.')),
  })

  async function accounts(): Promise<readonly string[]> {
    const { address } = await (await found(true)).tron.getAccount(at)
    const changed = account !== address
    account = address
    show(tronWeb, address)
    events.emit('connect', { chainId })
    if (changed) events.emit('accountsChanged', [address])
    return [address]
  }

  /** signs calls the device for the account that the site was given: another wallet has another one, and is refused. */
  async function signs<T>(sign: (device: Device, options: { path?: string; from: string }) => Promise<T>): Promise<T> {
    try {
      if (account === undefined) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
      const from = account
      return await sign(await found(false), { ...at, from })
    } catch (thrown) {
      throw rpcError(thrown)
    }
  }

  async function signTransaction(transaction: TronTransaction, again: boolean): Promise<SignedTronTransaction> {
    if (transaction.signature?.length && !again) throw rpcError(malformed('The transaction is already signed.'))
    const copy = structuredClone(transaction)
    const { signature } = await signs(async (imkey, options) => imkey.tron.signTransaction(claims(copy, account!), options))
    return { ...copy, signature: [...(copy.signature ?? []), signature] }
  }

  const noKey = (privateKey: unknown) => {
    if (privateKey) throw rpcError(malformed('The imKey signs with its own key.'))
  }
  const signMessageV2 = async (message: string | Uint8Array | readonly number[], privateKey?: unknown) => {
    noKey(privateKey)
    const bytes = typeof message === 'string' ? message : Uint8Array.from(message)
    return (await signs((imkey, options) => imkey.tron.signMessage(bytes, options))).signature
  }
  const sign = async (input: string | TronTransaction, privateKey?: unknown, useTronHeader = true, multisig = false): Promise<unknown> => {
    noKey(privateKey)
    if (typeof input !== 'string') return signTransaction(input, multisig)
    if (!/^(0x)?([0-9a-f]{2})+$/i.test(input)) throw rpcError(malformed('Expected hex message input'))
    const message = `0x${input.replace(/^0x/i, '')}`
    const header = useTronHeader ? 'TRON' : 'ETH'
    return (await signs((imkey, options) => imkey.tron.signMessage(message, { ...options, version: 1, header }))).signature
  }
  const signTypedData = async (domain: object, types: TypedData['types'], message: object, privateKey?: unknown) => {
    noKey(privateKey)
    const document = { domain, types, primaryType: primaryType(types), message }
    return (await signs((imkey, options) => imkey.tron.signTypedData(document, options))).signature
  }
  const multiSign = async (transaction: TronTransaction, privateKey?: unknown, permissionId = 0) => {
    noKey(privateKey)
    const given = transaction.raw_data.contract[0]?.Permission_id ?? 0
    if (permissionId !== given && permissionId > 0) throw rpcError(malformed('The transaction is for another permission.'))
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
            asking ??= accounts().finally(() => (asking = undefined))
            return await asking
          case 'eth_accounts':
          case 'tron_accounts':
            return account === undefined ? [] : [account]
          case 'eth_chainId':
            return chainId
          case 'wallet_switchEthereumChain': {
            const [wanted] = Array.isArray(params) ? (params as { chainId?: unknown }[]) : []
            if (String(wanted?.chainId).toLowerCase() === chainId) return null
            // A transaction of TRON names no network, so the provider cannot be for another one than the site's nodes.
            throw refused(4902, 'invalid-argument', 'This provider is for one network.')
          }
          case 'wallet_revokePermissions':
            account = undefined
            show(tronWeb, undefined)
            events.emit('accountsChanged', [])
            return null
        }
        throw refused(4200, 'unsupported-method', `This provider does not have ${method.slice(0, 64)}.`)
      } catch (thrown) {
        throw rpcError(thrown)
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
  return provider
}

export function announceTronProvider(provider: TronProvider, info: ProviderInfo = {}): () => void {
  const detail = Object.freeze({
    info: Object.freeze({
      uuid: info.uuid ?? crypto.randomUUID(),
      name: info.name ?? 'imKey',
      icon: info.icon ?? icon,
      rdns: info.rdns ?? 'im.imkey',
    }),
    provider,
  })
  const announce = () => {
    globalThis.dispatchEvent?.(new CustomEvent('TIP6963:announceProvider', { detail }))
  }
  globalThis.addEventListener?.('TIP6963:requestProvider', announce)
  announce()
  return () => globalThis.removeEventListener?.('TIP6963:requestProvider', announce)
}

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
  if (only === undefined || others.length > 0) throw rpcError(malformed('The typed data have no single primary type.'))
  return only
}
