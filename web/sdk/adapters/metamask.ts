// Keyrings in the shape of MetaMask's: Keyring of @metamask/keyring-utils, and Keyring of @metamask/keyring-api/v2. They hold addresses and
// paths alone, and ask a bridge for the rest, so they run in a service worker as well as in an offscreen document.

import { ImKeyError, type TransactionRequest, type TypedData } from 'imkey-connect'
import type {
  Bridge,
  CreateAccountOptions,
  Hex,
  KeyringAccount,
  KeyringOptions,
  KeyringRequest,
  KeyringV2Options,
  PageAccount,
  PathScheme,
  SignedTransactionData,
} from '../types/keyring'

const schemes: Readonly<Record<PathScheme, (index: number) => string>> = {
  'bip44': (n) => `m/44'/60'/0'/0/${n}`,
  'ledger-live': (n) => `m/44'/60'/${n}'/0/0`,
  'legacy': (n) => `m/44'/60'/0'/${n}`,
}

const mostIndex = 0x7fffffff

/** The most accounts of one call: each is read from the device. */
const mostAccounts = 100

const pageSize = 5

const invalid = (message: string, reason?: string) =>
  new ImKeyError('invalid-argument', message, reason === undefined ? {} : { data: { reason } })

interface Held {
  readonly address: Hex
  readonly path: string
}

/** Accounts are the accounts that a keyring holds, and how it gets and uses them. */
class Accounts {
  readonly bridge: Bridge
  scheme: PathScheme
  serial: string | undefined
  list: Held[] = []

  constructor(bridge: Bridge, scheme: PathScheme = 'bip44') {
    if (typeof Object(bridge).getAddresses !== 'function') throw invalid('The keyring needs a bridge.')
    this.bridge = bridge
    this.scheme = readScheme(scheme)
  }

  get where() {
    return this.serial === undefined ? {} : { serial: this.serial }
  }

  path(index: number): string {
    if (!Number.isInteger(index) || index < 0 || index > mostIndex)
      throw invalid('The index of an account is not a whole number from 0 to 2147483647.')
    return schemes[this.scheme](index)
  }

  async read(paths: readonly string[]): Promise<Held[]> {
    if (paths.length > mostAccounts) throw invalid(`At most ${mostAccounts} accounts can be read at once.`)
    const { serial, accounts } = await this.bridge.getAddresses({ paths, ...this.where })
    this.serial = serial
    return accounts.map(({ address, path }) => ({ address: lower(address), path }))
  }

  /** add adds accounts that are not there yet, and gives those that are new. */
  add(accounts: readonly Held[]): Held[] {
    const added = accounts.filter(({ address }) => !this.find(address))
    this.list = [...this.list, ...added]
    return added
  }

  find(address: string): Held | undefined {
    return this.list.find((account) => account.address === lower(address))
  }

  of(address: string): Held {
    const found = this.find(address)
    if (!found) throw invalid('This account is not one of the keyring.', 'unknown-account')
    return found
  }

  sign(address: string): { path: string; from: string; serial?: string } {
    const { path, address: from } = this.of(address)
    return { path, from, ...this.where }
  }

  message(address: string, message: string): Promise<string> {
    return this.bridge.signMessage({ ...this.sign(address), message })
  }

  typedData(address: string, typedData: unknown, version: unknown = 'V4'): Promise<string> {
    if (version !== 'V3' && version !== 'V4') {
      throw new ImKeyError('unsupported-method', 'An imKey signs typed data of the versions V3 and V4 only.')
    }
    return this.bridge.signTypedData({ ...this.sign(address), typedData: typedData as TypedData, version })
  }

  save() {
    return { scheme: this.scheme, ...this.where, accounts: this.list.map(({ address, path }) => ({ address, path })) }
  }

  /** restore reads what save gave. It changes nothing if that is malformed. */
  restore(state: unknown) {
    const { scheme = 'bip44', serial, accounts = [] } = Object(state) as Record<string, unknown>
    const read = (Array.isArray(accounts) ? (accounts as unknown[]) : [{}]).map((each): Held => {
      const { address, path } = Object(each) as Record<string, unknown>
      if (typeof address !== 'string' || !/^0x[0-9a-f]{40}$/i.test(address)) throw invalid('The state of the keyring is malformed.')
      return { address: lower(address), path: readPath(path) }
    })
    if (serial !== undefined && typeof serial !== 'string') throw invalid('The state of the keyring is malformed.')
    this.scheme = readScheme(scheme)
    this.serial = serial
    this.list = read
  }
}

const lower = (address: string) => address.toLowerCase() as Hex

function readScheme(scheme: unknown): PathScheme {
  if (typeof scheme !== 'string' || !Object.hasOwn(schemes, scheme))
    throw invalid("The path scheme is not one of 'bip44', 'ledger-live', 'legacy'.")
  return scheme as PathScheme
}

function readPath(path: unknown): string {
  if (typeof path !== 'string' || !/^m(\/(0|[1-9]\d{0,9})['h]?){1,10}$/i.test(path))
    throw invalid("The path is not of the form m/44'/60'/0'/0/0.")
  return path
}

/** The fields of a transaction of @ethereumjs/tx that are used. */
interface LibraryTransaction {
  readonly type: number
  readonly common?: { chainId(): bigint }
  toJSON(): Record<string, unknown>
}

/** requestOf gives a transaction of @ethereumjs/tx in the form of JSON-RPC. */
function requestOf(transaction: LibraryTransaction): TransactionRequest {
  const { nonce, gasPrice, gasLimit, maxFeePerGas, maxPriorityFeePerGas, to, value, data, accessList, authorizationList, chainId } =
    transaction.toJSON()
  const common = transaction.common?.chainId()
  const fields = {
    type: transaction.type,
    chainId: chainId ?? (common === undefined ? undefined : `0x${common.toString(16)}`),
    nonce,
    gas: gasLimit,
    gasPrice: transaction.type < 2 ? gasPrice : undefined,
    maxFeePerGas,
    maxPriorityFeePerGas,
    to,
    value,
    data,
    accessList,
    authorizationList,
  }
  return Object.fromEntries(Object.entries(fields).filter(([, field]) => field !== undefined && field !== null)) as TransactionRequest
}

/** Keyring is the keyring of MetaMask's KeyringController (@metamask/keyring-utils). */
export class ImKeyKeyring {
  static readonly type = 'imKey Hardware'
  readonly type = 'imKey Hardware'
  readonly #accounts: Accounts
  #next: number | undefined
  #page = 0

  constructor(options: KeyringOptions) {
    const { bridge, pathScheme } = Object(options) as KeyringOptions
    this.#accounts = new Accounts(bridge, pathScheme)
  }

  async serialize() {
    return this.#accounts.save()
  }

  async deserialize(state: unknown): Promise<void> {
    this.#accounts.restore(state)
  }

  async getAccounts(): Promise<Hex[]> {
    return this.#accounts.list.map(({ address }) => address)
  }

  /** addAccounts adds the next accounts: from the one that setAccountToUnlock named, or after those that are there. */
  async addAccounts(number = 1): Promise<Hex[]> {
    if (!Number.isInteger(number) || number < 1) throw invalid('The number of accounts is not a whole number from 1 on.')
    const accounts = this.#accounts
    const added: Held[] = []
    for (let index = this.#next ?? 0; added.length < number;) {
      const paths: string[] = []
      for (; paths.length < number - added.length; index++) {
        const path = accounts.path(index)
        if (!accounts.list.some((each) => each.path === path)) paths.push(path)
      }
      added.push(...accounts.add(await accounts.read(paths)))
      this.#next = index
    }
    return added.map(({ address }) => address)
  }

  removeAccount(address: string): void {
    const { address: removed } = this.#accounts.of(address)
    this.#accounts.list = this.#accounts.list.filter((each) => each.address !== removed)
    this.#next = undefined
  }

  setHdPath(scheme: PathScheme): void {
    this.#accounts.scheme = readScheme(scheme)
    this.#next = undefined
    this.#page = 0
  }

  setAccountToUnlock(index: number | string): void {
    this.#accounts.path(Number(index))
    this.#next = Number(index)
  }

  getFirstPage = () => this.#show(0)
  getNextPage = () => this.#show(this.#page + 1)
  getPreviousPage = () => this.#show(Math.max(0, this.#page - 1))

  async #show(page: number): Promise<PageAccount[]> {
    const first = page * pageSize
    const paths = Array.from({ length: pageSize }, (_, i) => this.#accounts.path(first + i))
    const read = await this.#accounts.read(paths)
    this.#page = page
    return read.map(({ address }, i) => ({ address, index: first + i, balance: null }))
  }

  async isUnlocked(): Promise<boolean> {
    return (await this.#accounts.bridge.getState(this.#accounts.where)).state === 'unlocked'
  }

  /** unlock gives the address of the first account. It rejects where the device cannot be used: the error's code says why. */
  async unlock(): Promise<Hex> {
    return (await this.#accounts.read([this.#accounts.path(0)]))[0]!.address
  }

  /** forgetDevice drops the accounts, and deletes the binding of the device. */
  async forgetDevice(): Promise<void> {
    await this.#accounts.bridge.forget(this.#accounts.where)
    this.#accounts.list = []
    this.#accounts.serial = undefined
    this.#next = undefined
    this.#page = 0
  }

  async destroy(): Promise<void> {
    this.#accounts.list = []
  }

  /** signTransaction signs a transaction of @ethereumjs/tx, and gives one of the same class. */
  async signTransaction<T extends LibraryTransaction>(address: string, transaction: T): Promise<T> {
    const signed = await this.#accounts.bridge.signTransaction({ ...this.#accounts.sign(address), transaction: requestOf(transaction) })
    const { r, s, v, yParity } = signed
    const made = (transaction.constructor as unknown as { fromTxData(data: object, options: object): T }).fromTxData(
      { ...transaction.toJSON(), type: transaction.type, r, s, v: v ?? `0x${yParity.toString(16)}` },
      { common: transaction.common },
    )
    return made
  }

  async signPersonalMessage(address: string, message: string): Promise<string> {
    return this.#accounts.message(address, message)
  }

  async signTypedData(address: string, typedData: unknown, { version }: { version?: unknown } = {}): Promise<string> {
    if (Array.isArray(typedData)) return this.#accounts.typedData(address, typedData, 'V1')
    return this.#accounts.typedData(address, typedData, version)
  }
}

const scopes = ['eip155:0'] as const
const signingMethods = ['personal_sign', 'eth_signTransaction', 'eth_signTypedData_v3', 'eth_signTypedData_v4'] as const

/** ImKeyKeyringV2 is the keyring of @metamask/keyring-api/v2. */
export class ImKeyKeyringV2<T extends string = 'hd'> {
  readonly type: T
  readonly capabilities
  readonly #accounts: Accounts
  readonly #used: ((address: Hex) => Promise<boolean>) | undefined
  #entropySource: string | undefined

  constructor(options: KeyringV2Options<T>) {
    const { bridge, pathScheme, type, isUsed, entropySource } = Object(options) as KeyringV2Options<T>
    this.#accounts = new Accounts(bridge, pathScheme)
    this.type = type ?? ('hd' as T)
    this.#used = isUsed
    this.#entropySource = entropySource
    const bip44 = { derivePath: true, deriveIndex: true, deriveIndexRange: true, discover: isUsed !== undefined }
    this.capabilities = { scopes: [...scopes], bip44 }
  }

  async serialize() {
    return { ...this.#accounts.save(), ...(this.#entropySource !== undefined && { entropySource: this.#entropySource }) }
  }

  async deserialize(state: unknown): Promise<void> {
    const { entropySource } = Object(state) as { entropySource?: unknown }
    if (entropySource !== undefined && typeof entropySource !== 'string') throw invalid('The state of the keyring is malformed.')
    this.#accounts.restore(state)
    this.#entropySource = entropySource ?? this.#entropySource
  }

  async getAccounts(): Promise<KeyringAccount[]> {
    return Promise.all(this.#accounts.list.map((held) => this.#describe(held)))
  }

  async getAccount(id: string): Promise<KeyringAccount> {
    const found = (await this.getAccounts()).find((account) => account.id === id)
    if (!found) throw invalid('There is no account with this id in the keyring.', 'unknown-account')
    return found
  }

  /** createAccounts reads accounts from the device, and adds them. Those that are there already are given, too. */
  async createAccounts(options: CreateAccountOptions): Promise<KeyringAccount[]> {
    const paths = this.#paths(options)
    const { entropySource } = options as { entropySource?: unknown }
    if (typeof entropySource !== 'string') throw invalid('The entropySource is not text.')
    if (this.#entropySource !== undefined && entropySource !== this.#entropySource)
      throw invalid('The entropySource is not that of this keyring.', 'entropy-source')
    const read = await this.#accounts.read(paths)
    if (options.type === 'bip44:discover' && !(await this.#used!(read[0]!.address))) return []
    this.#entropySource = entropySource
    this.#accounts.add(read)
    return Promise.all(read.map(({ address }) => this.#describe(this.#accounts.of(address))))
  }

  #paths(options: CreateAccountOptions): string[] {
    const given = Object(options) as Record<string, unknown>
    switch (given['type']) {
      case 'bip44:derive-path':
        return [readPath(given['derivationPath'])]
      case 'bip44:derive-index':
        return [this.#accounts.path(given['groupIndex'] as number)]
      case 'bip44:discover':
        if (this.#used) return [this.#accounts.path(given['groupIndex'] as number)]
        break
      case 'bip44:derive-index-range': {
        const { from, to } = Object(given['range']) as { from: number; to: number }
        this.#accounts.path(from)
        this.#accounts.path(to)
        if (to < from || to - from >= mostAccounts) throw invalid(`The range does not hold 1 to ${mostAccounts} indices.`)
        return Array.from({ length: to - from + 1 }, (_, i) => this.#accounts.path(from + i))
      }
    }
    throw new ImKeyError('unsupported-method', 'This keyring does not create accounts in this way. See its capabilities.')
  }

  async deleteAccount(id: string): Promise<void> {
    const { address } = await this.getAccount(id)
    this.#accounts.list = this.#accounts.list.filter((each) => each.address !== address)
  }

  /** getPage reads a page of accounts that the user can choose from. It adds none. Pages count from 0. */
  async getPage(page: number, size = pageSize): Promise<PageAccount[]> {
    const first = page * size
    const read = await this.#accounts.read(Array.from({ length: size }, (_, i) => this.#accounts.path(first + i)))
    return read.map(({ address }, i) => ({ address, index: first + i, balance: null }))
  }

  async submitRequest(request: KeyringRequest): Promise<unknown> {
    const { account, request: asked } = Object(request) as KeyringRequest
    const { address } = await this.getAccount(account)
    const { method, params = [] } = Object(asked) as KeyringRequest['request']
    const list = Array.isArray(params) ? (params as unknown[]) : []
    const own = (given: unknown) => {
      if (typeof given !== 'string' || lower(given) !== address) throw invalid('The address of the request is not that of the account.')
    }
    switch (method) {
      case 'personal_sign':
        if (list[1] !== undefined) own(list[1])
        return this.#accounts.message(address, String(list[0]))
      case 'eth_signTransaction': {
        const transaction = { ...(list[0] as Record<string, unknown>) }
        if (transaction['from'] !== undefined) own(transaction['from'])
        const { r, s, v, yParity } = await this.#accounts.bridge.signTransaction({
          ...this.#accounts.sign(address),
          transaction,
        })
        const { from: _, ...fields } = transaction
        return { ...fields, r, s, v: v ?? `0x${yParity.toString(16)}` } satisfies SignedTransactionData
      }
      case 'eth_signTypedData_v3':
      case 'eth_signTypedData_v4':
        own(list[0])
        return this.#accounts.typedData(address, list[1], method.endsWith('3') ? 'V3' : 'V4')
    }
    throw new ImKeyError('unsupported-method', 'This keyring does not have this method.')
  }

  async destroy(): Promise<void> {
    this.#accounts.list = []
  }

  async #describe({ address, path }: Held): Promise<KeyringAccount> {
    return {
      id: await idOf(address),
      type: 'eip155:eoa',
      address,
      scopes: [...scopes],
      methods: [...signingMethods],
      options: {
        entropy: { type: 'mnemonic', id: this.#entropySource ?? '', derivationPath: path, groupIndex: this.#indexOf(path) },
        exportable: false,
      },
    }
  }

  /** #indexOf gives the index of an account of the path scheme; of another path, its last number. */
  #indexOf(path: string): number {
    const numbers = path.match(/\d+/g)!.map(Number)
    return numbers.find((n) => n <= mostIndex && this.#accounts.path(n) === path) ?? numbers.at(-1)!
  }
}

/** idOf makes a UUID of version 4 of an address, so that an account keeps its id when it is deleted and made again. */
async function idOf(address: string): Promise<string> {
  const bytes = new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(address))).slice(0, 16)
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return Array.from(bytes, (byte, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
