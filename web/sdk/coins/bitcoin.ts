// What a provider for Bitcoin does whatever its wallet is: the methods of sats-connect, and the registration by WBIP004.

import { icon } from '../provider/icon'
import { Refusal } from '../provider/refusal'
import type { BitcoinNode, BitcoinProvider, BitcoinResponse } from '../types/bitcoin'
import type { BitcoinNetwork, BitcoinType, ErrorCode } from '../types/imkey'
import type { Ask } from './ask'
import { esplora } from './esplora'
import { uuid } from './uuid'

const methods = [
  'getInfo',
  'getAccounts',
  'getAddresses',
  'wallet_connect',
  'wallet_disconnect',
  'wallet_getNetwork',
  'wallet_requestPermissions',
  'wallet_renouncePermissions',
  'signMessage',
  'signPsbt',
  'sendTransfer',
  'getBalance',
]

/** BitcoinAccount is an address that the site may see. Change is what its own transfers send back to. */
export interface BitcoinAccount {
  readonly address: string
  readonly path: string
  readonly type: BitcoinType
  readonly publicKey: string
  readonly script: string
  readonly purpose: 'payment' | 'ordinals' | 'change'
}

/** PsbtOptions say what to sign: all inputs of the accounts, or some. Finalised inputs need no more signatures. */
export interface PsbtOptions {
  readonly finalize: boolean
  readonly inputs?: readonly number[]
  /** The fee that the user agreed to in the page. */
  readonly maxFee?: number
}

export interface SignedPsbt {
  readonly psbt: string
  /** In hex, if every input is final. */
  readonly transaction?: string
}

/** BitcoinWallet signs with the accounts that the user chose. */
export interface BitcoinWallet {
  /** Asks the user, and gives the accounts. */
  connect(): Promise<readonly BitcoinAccount[]>
  revoke(): void
  describeAddress(address: string): Promise<{ script: string; dust: number }>
  signMessage(message: string, account: BitcoinAccount, scheme: 'bip137' | 'bip322'): Promise<{ signature: string; hash: string }>
  signPsbt(psbt: string, options: PsbtOptions): Promise<SignedPsbt>
}

/** BitcoinOptions are the options of a provider. */
export interface BitcoinOptions {
  readonly wallet: BitcoinWallet
  readonly network: BitcoinNetwork
  readonly node: BitcoinNode | string | undefined
  readonly confirmFee: ((fee: number) => boolean | Promise<boolean>) | undefined
  /** Makes the error of a request, with the code of EIP-1193. */
  readonly error: (thrown: unknown) => { readonly code: number; readonly message: string; readonly data?: unknown }
}

/** Made is a provider, and what its wallet tells it. */
export interface Made {
  readonly provider: BitcoinProvider
  /** The accounts changed: with none, the permission was taken. */
  readonly changed: (accounts: readonly BitcoinAccount[]) => void
}

const refused = (number: number, code: ErrorCode, message: string) => new Refusal(number, message, code)
const malformed = (message: string) => refused(-32602, 'invalid-argument', message)

export function makeBitcoinProvider({ wallet, network, node: given, confirmFee, error }: BitcoinOptions): Made {
  const node = typeof given === 'string' ? esplora(given) : given
  const coin = network === 'mainnet' ? 0 : 1
  let addresses: readonly BitcoinAccount[] | undefined

  /** connected asks the wallet for the accounts. From then on the site may ask for signatures of these. */
  async function connected() {
    addresses = await wallet.connect()
    return addresses
  }

  function allowed(): readonly BitcoinAccount[] {
    if (!addresses) throw refused(4100, 'invalid-argument', 'The site has to ask for the accounts first.')
    return addresses
  }

  /** accounts returns those for the purposes, in their order. */
  async function accounts(purposes: unknown = ['payment', 'ordinals']) {
    const wanted = list(purposes, 'purposes')
    const of = await connected()
    return wanted.flatMap((purpose) =>
      of
        .filter((one) => one.purpose === purpose && purpose !== 'change')
        .map(({ address, publicKey, type }) => {
          // As the wallets of sats-connect: the x coordinate alone for taproot.
          const key = publicKey.slice(type === 'p2tr' ? 4 : 2)
          return { address, publicKey: key, purpose, addressType: type, walletType: 'ledger' as const }
        }),
    )
  }

  const networks = () => ({
    bitcoin: { name: network[0]!.toUpperCase() + network.slice(1) },
    stacks: { name: coin === 0 ? 'mainnet' : 'testnet' },
    spark: { name: coin === 0 ? 'mainnet' : 'regtest' },
  })

  /** own returns the address of this text that the site was given. */
  function own(text: unknown): BitcoinAccount {
    const one = allowed().find(({ address, purpose }) => address === text && purpose !== 'change')
    if (!one) throw refused(4100, 'invalid-argument', 'The address is none that the site was given.')
    return one
  }

  async function signMessage(params: { address?: unknown; message?: unknown; protocol?: unknown }) {
    const account = own(params.address)
    const { type, address } = account
    if (typeof params.message !== 'string') throw malformed('The message is not a string.')
    const { protocol = type === 'p2tr' ? 'BIP322' : 'ECDSA' } = params
    if (protocol !== 'ECDSA' && protocol !== 'BIP322') throw malformed('The protocol is neither ECDSA nor BIP322.')
    const { signature, hash } = await wallet.signMessage(params.message, account, protocol === 'ECDSA' ? 'bip137' : 'bip322')
    return { signature, messageHash: hash.slice(2), address, protocol }
  }

  /** confirmed signs, and asks about a high fee. */
  async function confirmed(psbt: string, options: PsbtOptions): Promise<SignedPsbt> {
    try {
      return await wallet.signPsbt(psbt, options)
    } catch (thrown) {
      const { data } = Object(thrown) as { data?: { reason?: string; fee?: string } }
      if (data?.reason !== 'high-fee' || !confirmFee) throw thrown
      const fee = Number(data.fee)
      if (!(await confirmFee(fee))) throw refused(4001, 'user-rejected', 'The fee was rejected.')
      return wallet.signPsbt(psbt, { ...options, maxFee: fee })
    }
  }

  async function signPsbt(params: { psbt?: unknown; signInputs?: unknown; broadcast?: unknown }) {
    const { psbt, signInputs, broadcast = false } = params
    allowed()
    if (typeof psbt !== 'string') throw malformed('The PSBT is not a string in base 64.')
    const inputs: number[] = []
    for (const [address, indices] of Object.entries(Object(signInputs ?? {}) as object)) {
      own(address)
      for (const index of list(indices, 'signInputs')) inputs.push(Number(index))
    }
    if (broadcast === true && !node) throw refused(4200, 'unsupported-method', 'This provider has no node to send to.')
    const signed = await confirmed(psbt, {
      finalize: broadcast === true,
      ...(signInputs !== undefined && signInputs !== null && { inputs }),
    })
    if (broadcast !== true) return { psbt: signed.psbt }
    if (signed.transaction === undefined) throw malformed('Other inputs are not signed, so the transaction cannot be sent.')
    return { psbt: signed.psbt, txid: await node!.broadcast(signed.transaction) }
  }

  /** sources are the addresses that a transfer spends from: that for payments, and that for its change, of the first account. */
  function sources(): [BitcoinAccount, BitcoinAccount] {
    const of = (purpose: BitcoinAccount['purpose']) => allowed().find((one) => one.purpose === purpose)!
    return [of('payment'), of('change')]
  }

  async function sendTransfer(params: { recipients?: unknown }) {
    allowed()
    if (!node) throw refused(4200, 'unsupported-method', 'This provider has no node, so it can send nothing.')
    const outputs: Out[] = []
    for (const recipient of list(params.recipients, 'recipients')) {
      const { address, amount } = Object(recipient) as { address?: unknown; amount?: unknown }
      const { script, dust } = await wallet.describeAddress(String(address))
      if (typeof amount !== 'number' || !Number.isSafeInteger(amount) || amount < dust) {
        throw malformed(`The amount is not a whole number of at least ${dust} satoshi, the least that nodes relay.`)
      }
      outputs.push({ script: bytesOf(script), amount })
    }
    if (outputs.length === 0) throw malformed('There is no recipient.')
    const from = sources()
    const [, change] = from
    const rate = Math.max(1, Math.ceil(await node.feeRate()))
    const coins: Coin[] = []
    for (const owner of from) {
      for (const { txid, vout, value } of await node.utxos(owner.address)) coins.push({ owner, txid, vout, value })
    }
    coins.sort((a, b) => b.value - a.value)
    const paid = outputs.reduce((sum, { amount }) => sum + amount, 0)
    const base = 11 + outputs.reduce((sum, { script }) => sum + 9 + script.length, 0)
    const spent: Coin[] = []
    let [sum, fee] = [0, 0]
    for (const coin of coins) {
      spent.push(coin)
      sum += coin.value
      fee = rate * (base + 31 + 68 * spent.length) // with change
      if (sum >= paid + fee || spent.length === 252) break
    }
    const left = sum - paid - fee
    const { dust } = await wallet.describeAddress(change.address)
    if (left >= dust) outputs.push({ script: bytesOf(change.script), amount: left, owner: change })
    else fee = sum - paid // what is too little for an output goes to the fee, which the device shows
    if (sum < paid || fee < rate * (base + 68 * spent.length)) throw malformed('The account has too little for the amount and the fee.')
    const previous = new Map<string, Uint8Array>()
    for (const { txid } of spent) if (!previous.has(txid)) previous.set(txid, bytesOf(await node.transaction(txid)))
    const psbt = writePsbt(spent, outputs, previous)
    // The device's fee is of the whole transactions. It is the one that was computed here unless the node lies about a value.
    const signed = await confirmed(psbt, { finalize: true })
    return { txid: await node.broadcast(signed.transaction!) }
  }

  async function getBalance() {
    allowed()
    if (!node) throw refused(4200, 'unsupported-method', 'This provider has no node.')
    let total = 0
    for (const { address } of sources()) {
      for (const { value } of await node.utxos(address)) total += value
    }
    return { confirmed: String(total), unconfirmed: '0', total: String(total) }
  }

  async function answer(method: unknown, params: unknown): Promise<unknown> {
    const given = Object(params ?? {}) as Record<string, unknown>
    switch (method) {
      case 'getInfo':
        return { version: '2.0.0', platform: 'web', methods, supports: ['WBIP001', 'WBIP002', 'WBIP004'] }
      case 'getAccounts':
        return accounts(given['purposes'])
      case 'getAddresses':
        return { addresses: await accounts(given['purposes']), network: networks() }
      case 'wallet_connect':
        return { id: 'imkey', addresses: await accounts(given['addresses'] ?? undefined), walletType: 'ledger', network: networks() }
      case 'wallet_requestPermissions':
        await connected()
        return true
      case 'wallet_disconnect':
      case 'wallet_renouncePermissions':
        wallet.revoke()
        addresses = undefined
        return null
      case 'wallet_getNetwork':
        return networks()
      case 'signMessage':
        return signMessage(given)
      case 'signPsbt':
        return signPsbt(given)
      case 'sendTransfer':
        return sendTransfer(given)
      case 'getBalance':
        return getBalance()
    }
    throw refused(4200, 'unsupported-method', `This provider does not have ${String(method).slice(0, 64)}.`)
  }

  const provider: BitcoinProvider = {
    isImKey: true,
    async request(method: string, params?: unknown): Promise<BitcoinResponse> {
      const id = uuid()
      try {
        return { jsonrpc: '2.0', id, result: await answer(method, params) }
      } catch (thrown) {
        const { code, message, data } = error(thrown)
        return { jsonrpc: '2.0', id, error: { code: numbers[code] ?? code, message, data: Object(data) as object } }
      }
    },
  }
  return {
    provider,
    changed: (accounts) => {
      addresses = accounts.length > 0 ? accounts : undefined
    },
  }
}

/** The codes of sats-connect for those of EIP-1193. */
const numbers: Record<number, number> = { 4001: -32000, 4100: -32002, 4200: -32601, 4900: -32603 }

export function registerBitcoinProvider(
  provider: BitcoinProvider,
  info: { name?: string; icon?: string; webUrl?: string } = {},
): () => void {
  const page = globalThis as { imKeyProviders?: { BitcoinProvider?: BitcoinProvider }; btc_providers?: object[] }
  const entry = Object.freeze({
    id: 'imKeyProviders.BitcoinProvider',
    name: info.name ?? 'imKey',
    icon: info.icon ?? icon,
    webUrl: info.webUrl ?? 'https://imkey.im',
    methods,
  })
  page.imKeyProviders = { ...page.imKeyProviders, BitcoinProvider: provider }
  page.btc_providers = [...(page.btc_providers ?? []), entry]
  return () => {
    if (page.imKeyProviders?.BitcoinProvider === provider) delete page.imKeyProviders.BitcoinProvider
    page.btc_providers = page.btc_providers?.filter((other) => other !== entry) ?? []
  }
}

function list(value: unknown, name: string): unknown[] {
  if (!Array.isArray(value) || value.length > 1000) throw malformed(`${name} is not a list.`)
  return value as unknown[]
}

interface Out {
  script: Uint8Array
  amount: number
  owner?: BitcoinAccount
}

interface Coin {
  owner: BitcoinAccount
  txid: string
  vout: number
  value: number
}

/** writePsbt writes a PSBT of version 0, in base 64. */
function writePsbt(coins: Coin[], outputs: Out[], previous: Map<string, Uint8Array>): string {
  const transaction = [
    ...little(2, 4),
    ...compact(coins.length),
    ...coins.flatMap(({ txid, vout }) => [...bytesOf(txid).reverse(), ...little(vout, 4), 0, ...little(0xfffffffd, 4)]),
    ...compact(outputs.length),
    ...outputs.flatMap(({ script, amount }) => [...little(amount, 8), ...sized(script)]),
    ...little(0, 4),
  ]
  const maps: number[][][][] = [
    [[[0], transaction]],
    ...coins.map(({ txid, owner }) => [[[0], [...previous.get(txid)!]], origin(6, owner)]),
    ...outputs.map(({ owner }) => (owner ? [origin(2, owner)] : [])),
  ]
  const bytes = [...new TextEncoder().encode('psbt'), 0xff]
  for (const map of maps) {
    for (const [key, value] of map) for (const part of [key!, value!]) for (const byte of sized(part)) bytes.push(byte)
    bytes.push(0)
  }
  let text = ''
  for (const byte of bytes) text += String.fromCharCode(byte)
  return btoa(text)
}

/** origin is the entry that says the path of a key. The fingerprint is not used. */
function origin(type: number, { publicKey, path }: BitcoinAccount): number[][] {
  const steps = path.slice(2).split('/')
  const indices = steps.map((step) => parseInt(step) + (step.endsWith("'") ? 2 ** 31 : 0))
  return [
    [type, ...bytesOf(publicKey)],
    [0, 0, 0, 0, ...indices.flatMap((index) => little(index, 4))],
  ]
}

function little(value: number, size: number): number[] {
  return Array.from({ length: size }, (_, i) => Math.floor(value / 256 ** i) % 256)
}

const compact = (n: number) => (n < 0xfd ? [n] : n <= 0xffff ? [0xfd, ...little(n, 2)] : [0xfe, ...little(n, 4)])

const sized = (bytes: ArrayLike<number>) => [...compact(bytes.length), ...Array.from(bytes)]

/** bytesOf reads hex digits, with or without 0x. */
function bytesOf(text: string): Uint8Array {
  const digits = text.replace(/^0x/, '').trim()
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw refused(-32603, 'internal', 'The node did not answer in hex.')
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => parseInt(pair, 16))
}

/** brokerBitcoin is the wallet of a broker. */
export function brokerBitcoin(ask: Ask, network: BitcoinNetwork): BitcoinWallet {
  return {
    connect: async () => accountsOf(await ask('bitcoin_requestAccounts', { network })),
    revoke: () => void ask('bitcoin_revokePermissions', {}).catch(() => {}),
    describeAddress: async (address) => (await ask('bitcoin_describeAddress', { address, network })) as { script: string; dust: number },
    signMessage: async (message, { address }, scheme) =>
      (await ask('bitcoin_signMessage', { message, isText: true, from: address, scheme })) as { signature: string; hash: string },
    signPsbt: async (psbt, { finalize, inputs }) =>
      (await ask('bitcoin_signPsbt', { psbt, finalize, ...(inputs && { inputs }) })) as SignedPsbt,
  }
}

/** brokerNode is the node that the user chose for a broker. The broker asks it, so that it does not hear of the site. */
export function brokerNode(ask: Ask): BitcoinNode {
  return {
    utxos: async (address) => (await ask('bitcoin_utxos', { address })) as Awaited<ReturnType<BitcoinNode['utxos']>>,
    transaction: async (txid) => (await ask('bitcoin_transaction', { txid })) as string,
    feeRate: async () => (await ask('bitcoin_feeRate', {})) as number,
    broadcast: async (transaction) => (await ask('bitcoin_broadcast', { transaction })) as string,
  }
}

/** accountsOf reads accounts that a broker sent. */
export function accountsOf(value: unknown): BitcoinAccount[] {
  return Array.isArray(value) ? value.filter((one): one is BitcoinAccount => typeof Object(one).address === 'string') : []
}
