import type { TransactionRequest } from '../types/imkey'
import { hex, readAddress, readBytes, readQuantity } from './hex'
import { badParams, wrongChain } from './refusal'

/** Wanted is a checked transaction of a dApp. Fields that the dApp left out are undefined. Numbers are in hex. */
export interface Wanted extends Omit<TransactionRequest, 'type'> {
  type?: number
  from?: string
  data: string
  value: string
}

const types = [0, 1, 2, 4]

/** readTransaction checks a dApp's transaction before a node or the device gets any of it. */
export function readTransaction(value: unknown, selected: number): Wanted {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw badParams('the transaction is not an object')
  const tx = value as Record<string, unknown>
  const given = (name: string) => tx[name] !== undefined && tx[name] !== null
  const number = (name: string, bits = 256) => (given(name) ? hex(readQuantity(tx[name], name, bits)) : undefined)
  const either = <T>(one: string, other: string, read: (name: string) => T): T | undefined => {
    const values = [one, other].filter(given).map(read)
    if (values.length === 2 && values[0] !== values[1]) throw badParams(`${one} and ${other} differ`)
    return values[0]
  }
  const chainId = number('chainId', 53)
  if (chainId !== undefined && Number(chainId) !== selected) {
    throw wrongChain(`The transaction is for chain ${Number(chainId)}, but chain ${selected} is selected. Switch the chain first.`)
  }
  const type = number('type', 8)
  if (type !== undefined && !types.includes(Number(type))) {
    throw badParams(`transactions of type ${Number(type)} cannot be signed: the types are 0, 1, 2 and 4`)
  }
  if (given('blobVersionedHashes') || given('blobs')) throw badParams('transactions with blobs cannot be signed')
  const wanted: Wanted = {
    ...(type !== undefined && { type: Number(type) }),
    ...(given('from') && { from: readAddress(tx['from'], 'from') }),
    ...(given('to') && { to: readAddress(tx['to'], 'to') }),
    value: number('value') ?? '0x0',
    data: either('data', 'input', (name) => readBytes(tx[name], name)) ?? '0x',
    nonce: number('nonce', 64),
    gas: either('gas', 'gasLimit', (name) => number(name, 64)),
    gasPrice: number('gasPrice'),
    maxFeePerGas: number('maxFeePerGas'),
    maxPriorityFeePerGas: number('maxPriorityFeePerGas'),
    ...(given('accessList') && { accessList: readAccessList(tx['accessList']) }),
    ...(given('authorizationList') && { authorizationList: readAuthorizations(tx['authorizationList']) }),
  }
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

function readAccessList(value: unknown): TransactionRequest['accessList'] {
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
    yParity: hex(readQuantity(entry['yParity'], "the authorization's yParity", 1)),
    r: hex(readQuantity(entry['r'], "the authorization's r", 256)),
    s: hex(readQuantity(entry['s'], "the authorization's s", 256)),
  }))
}
