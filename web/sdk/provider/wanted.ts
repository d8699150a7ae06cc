import type { TransactionRequest } from '../types/imkey'
import { hex, plain, readAddress, readBytes, readQuantity } from './hex'
import { badParams, wrongChain } from './refusal'

/** Wanted is a checked transaction of a dApp. Fields that the dApp left out are undefined. Numbers are in hex. */
export interface Wanted extends Omit<TransactionRequest, 'type'> {
  type?: number
  from?: string
  data: string
  value: string
}

const types = [0, 1, 2, 4]

/** The fields that a dApp may give. Some have two names. */
const names = [
  'type',
  'chainId',
  'from',
  'to',
  'nonce',
  'gas',
  'gasLimit',
  'gasPrice',
  'maxFeePerGas',
  'maxPriorityFeePerGas',
  'value',
  'data',
  'input',
  'accessList',
  'authorizationList',
] as const
type Name = (typeof names)[number]

/**
 * fields reads each field of a transaction once, and leaves out those that are absent. Other fields are refused by name: on some chain
 * each of them changes who pays or what happens, as feeCurrency and paymaster do.
 */
function fields(value: unknown): Partial<Record<Name, unknown>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badParams('the transaction is not an object')
  const all = value as Record<string, unknown>
  for (const name of Object.keys(all)) {
    if (!(names as readonly string[]).includes(name) && isGiven(all[name])) {
      throw badParams(`the transaction has a field that is not known here and could change what it does: ${name.slice(0, 50)}`)
    }
  }
  return plain(Object.fromEntries(names.map((name) => [name, inherited(all, name)] as const).filter(([, field]) => isGiven(field))))
}

/** inherited reads a field of an object or of its class, but not of Object.prototype, to which any script can add. */
function inherited(object: Record<string, unknown>, name: string): unknown {
  for (let at: unknown = object; at && at !== Object.prototype; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, name)) return object[name]
  }
  return undefined
}

/** isGiven says whether a field is present. As in MetaMask, the empty string is no value. */
const isGiven = (field: unknown) => field !== undefined && field !== null && field !== ''

/** prefixed adds the 0x that some dApps leave out of bytes. Numbers need it, because without it they could be decimal. */
const prefixed = (bytes: unknown) => (typeof bytes === 'string' && !/^0x/i.test(bytes) ? `0x${bytes}` : bytes)

/** readTransaction checks a dApp's transaction before a node or the device gets any of it. */
export function readTransaction(value: unknown, selected: number): Wanted {
  const tx = fields(value)
  const number = (name: Name, bits = 256) => (name in tx ? hex(readQuantity(tx[name], name, bits)) : undefined)
  const bytes = (name: Name) => (name in tx ? readBytes(prefixed(tx[name]), name) : undefined)
  const address = (name: Name) => readAddress(prefixed(tx[name]), name)
  const either = (one: Name, other: Name, read: (name: Name) => string | undefined): string | undefined => {
    const [first, second] = [read(one), read(other)]
    if (first !== undefined && second !== undefined && first !== second) throw badParams(`${one} and ${other} differ`)
    return first ?? second
  }
  const chainId = number('chainId', 53)
  if (chainId !== undefined && Number(chainId) !== selected) {
    throw wrongChain(`The transaction is for chain ${Number(chainId)}, but chain ${selected} is selected. Switch the chain first.`)
  }
  const type = number('type', 8)
  if (type !== undefined && !types.includes(Number(type))) {
    throw badParams(`transactions of type ${Number(type)} cannot be signed: the types are 0, 1, 2 and 4`)
  }
  const accessList = 'accessList' in tx ? readAccessList(tx.accessList) : []
  const wanted: Wanted = plain({
    ...(type !== undefined && { type: Number(type) }),
    ...('from' in tx && { from: address('from') }),
    ...('to' in tx && !(typeof tx.to === 'string' && /^0x$/i.test(tx.to)) && { to: address('to') }),
    value: number('value') ?? '0x0',
    data: either('data', 'input', bytes) ?? '0x',
    nonce: number('nonce', 53), // what the journal holds exactly; no account makes as many
    gas: either('gas', 'gasLimit', (name) => number(name, 64)),
    gasPrice: number('gasPrice'),
    maxFeePerGas: number('maxFeePerGas'),
    maxPriorityFeePerGas: number('maxPriorityFeePerGas'),
    // An empty list says nothing, and must not make a transaction of type 1, which the device cannot show.
    ...(accessList.length > 0 && { accessList }),
    ...('authorizationList' in tx && { authorizationList: readAuthorizations(tx.authorizationList) }),
  })
  if (wanted.to === undefined && wanted.data === '0x') throw badParams('the transaction has neither a recipient nor data')
  agree(wanted)
  return wanted
}

/** agree refuses fields that no type has together, and sets the type if the fields allow only one. */
function agree(tx: Wanted) {
  const dynamic = tx.maxFeePerGas !== undefined || tx.maxPriorityFeePerGas !== undefined
  if (dynamic && tx.gasPrice !== undefined) throw badParams('gasPrice goes with neither maxFeePerGas nor maxPriorityFeePerGas')
  if (tx.maxFeePerGas !== undefined && tx.maxPriorityFeePerGas !== undefined && BigInt(tx.maxPriorityFeePerGas) > BigInt(tx.maxFeePerGas)) {
    throw badParams('maxPriorityFeePerGas is above maxFeePerGas')
  }
  tx.type ??= tx.authorizationList ? 4 : dynamic ? 2 : tx.gasPrice === undefined ? undefined : tx.accessList ? 1 : 0
  const not = (field: keyof Wanted) => {
    if (tx[field] !== undefined) throw badParams(`a transaction of type ${tx.type} has no ${field}`)
  }
  if (tx.type === 0) not('accessList')
  if (tx.type === 0 || tx.type === 1) {
    not('maxFeePerGas')
    not('maxPriorityFeePerGas')
  }
  if (tx.type === 2 || tx.type === 4) not('gasPrice')
  if (tx.type !== undefined && tx.type !== 4) not('authorizationList')
  if (tx.type === 4 && (!tx.authorizationList?.length || tx.to === undefined)) {
    throw badParams('a transaction of type 4 needs an authorizationList and a recipient')
  }
}

function list(value: unknown, name: string): Record<string, unknown>[] {
  if (!Array.isArray(value) || !value.every((entry) => typeof entry === 'object' && entry !== null)) {
    throw badParams(`the ${name} is not a list of objects`)
  }
  return value
}

function readAccessList(value: unknown): NonNullable<TransactionRequest['accessList']> {
  return list(value, 'accessList').map(({ address, storageKeys }) => {
    if (!Array.isArray(storageKeys)) throw badParams('the storageKeys of the accessList are not a list')
    return {
      address: readAddress(address, 'the address in the accessList'),
      storageKeys: storageKeys.map((key: unknown) => {
        const bytes = readBytes(key, 'a storage key')
        if (bytes.length !== 66) throw badParams('a storage key is not 32 bytes long')
        return bytes
      }),
    }
  })
}

function readAuthorizations(value: unknown): TransactionRequest['authorizationList'] {
  return list(value, 'authorizationList').map((entry) => ({
    chainId: hex(readQuantity(entry['chainId'], "the authorization's chainId", 256)),
    address: readAddress(entry['address'], "the authorization's address"),
    nonce: hex(readQuantity(entry['nonce'], "the authorization's nonce", 64)),
    yParity: hex(readParity(entry)),
    r: hex(readQuantity(entry['r'], "the authorization's r", 256)),
    s: hex(readQuantity(entry['s'], "the authorization's s", 256)),
  }))
}

/** readParity reads yParity, or v, which is 27 or 28: some accounts of viem give v alone. If both are given, they must agree. */
function readParity({ yParity, v }: Record<string, unknown>): bigint {
  if (!isGiven(v)) return readQuantity(yParity, "the authorization's yParity", 1)
  const parity = readQuantity(v, "the authorization's v", 8) - 27n
  if (parity !== 0n && parity !== 1n) throw badParams("the authorization's v is neither 27 nor 28")
  if (isGiven(yParity) && readQuantity(yParity, "the authorization's yParity", 1) !== parity) {
    throw badParams("the authorization's yParity and v differ")
  }
  return parity
}
