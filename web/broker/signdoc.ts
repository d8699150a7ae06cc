// Reads the messages of a SignDoc for the screen, which shows them as a tree. Core has read the SignDoc before, and refuses what is malformed
// where it knows the type. Other types are read without a schema: their fields have numbers, and what bytes are is a guess. So the screen calls
// such a message blind.

import { toHex } from '../sdk/provider/hex'
import { shown } from '../sdk/provider/message'
import type { Json } from './types'

/** Fields are the names of a message's fields by their numbers, and the messages in them. any is a message with its type. */
interface Fields {
  readonly [number: number]: string | readonly [name: string, fields: Fields | 'any']
}

const coin: Fields = { 1: 'denom', 2: 'amount' }
const time: Fields = { 1: 'seconds', 2: 'nanos' }

/** The messages that users sign, and the grants and contract calls that can take what they have. */
const known: Readonly<Record<string, Fields>> = {
  '/cosmos.bank.v1beta1.MsgSend': { 1: 'fromAddress', 2: 'toAddress', 3: ['amount', coin] },
  '/cosmos.bank.v1beta1.MsgMultiSend': {
    1: ['inputs', { 1: 'address', 2: ['coins', coin] }],
    2: ['outputs', { 1: 'address', 2: ['coins', coin] }],
  },
  '/cosmos.staking.v1beta1.MsgDelegate': { 1: 'delegatorAddress', 2: 'validatorAddress', 3: ['amount', coin] },
  '/cosmos.staking.v1beta1.MsgUndelegate': { 1: 'delegatorAddress', 2: 'validatorAddress', 3: ['amount', coin] },
  '/cosmos.staking.v1beta1.MsgBeginRedelegate': {
    1: 'delegatorAddress',
    2: 'validatorSrcAddress',
    3: 'validatorDstAddress',
    4: ['amount', coin],
  },
  '/cosmos.distribution.v1beta1.MsgWithdrawDelegatorReward': { 1: 'delegatorAddress', 2: 'validatorAddress' },
  '/cosmos.distribution.v1beta1.MsgSetWithdrawAddress': { 1: 'delegatorAddress', 2: 'withdrawAddress' },
  '/cosmos.gov.v1beta1.MsgVote': { 1: 'proposalId', 2: 'voter', 3: 'option' },
  '/cosmos.gov.v1.MsgVote': { 1: 'proposalId', 2: 'voter', 3: 'option', 4: 'metadata' },
  '/cosmos.authz.v1beta1.MsgGrant': {
    1: 'granter',
    2: 'grantee',
    3: [
      'grant',
      {
        1: ['authorization', 'any'],
        2: ['expiration', time],
      },
    ],
  },
  '/cosmos.authz.v1beta1.MsgRevoke': { 1: 'granter', 2: 'grantee', 3: 'msgTypeUrl' },
  '/cosmos.authz.v1beta1.MsgExec': { 1: 'grantee', 2: ['msgs', 'any'] },
  '/cosmos.authz.v1beta1.GenericAuthorization': { 1: 'msg' },
  '/cosmos.bank.v1beta1.SendAuthorization': { 1: ['spendLimit', coin], 2: 'allowList' },
  '/cosmos.feegrant.v1beta1.MsgGrantAllowance': { 1: 'granter', 2: 'grantee', 3: ['allowance', 'any'] },
  '/cosmos.feegrant.v1beta1.BasicAllowance': { 1: ['spendLimit', coin], 2: ['expiration', time] },
  '/cosmwasm.wasm.v1.MsgExecuteContract': { 1: 'sender', 2: 'contract', 3: 'msg', 5: ['funds', coin] },
  '/ibc.applications.transfer.v1.MsgTransfer': {
    1: 'sourcePort',
    2: 'sourceChannel',
    3: ['token', coin],
    4: 'sender',
    5: 'receiver',
    6: ['timeoutHeight', { 1: 'revisionNumber', 2: 'revisionHeight' }],
    7: 'timeoutTimestamp',
    8: 'memo',
  },
}

const any: Fields = { 1: 'typeUrl', 2: 'value' }

/** The most levels of a tree. What is deeper is bytes. */
const mostLevels = 12

/** The most fields of all messages. What is beyond is bytes. */
const mostFields = 2000

/** messagesOf gives the messages of the body of a SignDoc, as `{ typeUrl, value }`, and with them whatever else the body has. */
export function messagesOf(body: Uint8Array): Json[] {
  const left = { fields: mostFields }
  const fields = fieldsOf(body, left)
  if (!fields) return [toHex(body)]
  const others = fields.filter(({ number }) => number > 3)
  return [
    ...fields.filter(({ number }) => number === 1).map(({ value }) => messageOf(value, 'any', left, 0)),
    ...(others.length > 0 ? [treeOf(others, {}, left, 0)] : []),
  ]
}

/** feeOf gives the fee of a SignDoc. Core refuses auth info with anything else than the signers and the fee. */
export function feeOf(authInfo: Uint8Array): Json {
  const left = { fields: mostFields }
  const fields = fieldsOf(authInfo, left)
  if (!fields) return toHex(authInfo)
  const read = fields.find(({ number }) => number === 2)
  return read ? messageOf(read.value, fee, left, 0) : {}
}

const fee: Fields = { 1: ['amount', coin], 2: 'gasLimit', 3: 'payer', 4: 'granter' }

interface Field {
  readonly number: number
  readonly value: bigint | Uint8Array
}

/** messageOf reads a message, or gives its bytes where it is none. */
function messageOf(value: bigint | Uint8Array, fields: Fields | 'any', left: { fields: number }, level: number): Json {
  if (typeof value === 'bigint') return String(value)
  const read = level < mostLevels ? fieldsOf(value, left) : undefined
  if (!read) return toHex(value)
  if (fields !== 'any') return treeOf(read, fields, left, level)
  const tree = treeOf(read, any, left, level) as Record<string, Json>
  const [type, inner] = [read.find(({ number }) => number === 1)?.value, read.find(({ number }) => number === 2)?.value]
  const url = type instanceof Uint8Array ? textOf(type) : undefined
  if (inner instanceof Uint8Array) {
    const names = url !== undefined && Object.hasOwn(known, url) ? known[url]! : {}
    tree['value'] = messageOf(inner, names, left, level + 1)
  }
  return tree
}

function treeOf(read: readonly Field[], names: Fields, left: { fields: number }, level: number): Json {
  const tree: Record<string, Json> = {}
  for (const { number, value } of read) {
    const name = names[number]
    const one =
      typeof name === 'object'
        ? messageOf(value, name[1], left, level + 1)
        : typeof value === 'bigint'
          ? String(value)
          : name === undefined
            ? guessOf(value, left, level)
            : (textOf(value) ?? toHex(value))
    const key = typeof name === 'object' ? name[0] : (name ?? String(number))
    const before = Object.hasOwn(tree, key) ? tree[key] : undefined
    tree[key] = before === undefined ? one : Array.isArray(before) ? [...(before as Json[]), one] : [before, one]
  }
  return tree
}

/** guessOf reads a field of a type that is not known: text on one line, a message, or other text. */
function guessOf(value: Uint8Array, left: { fields: number }, level: number): Json {
  const text = textOf(value)
  if (text !== undefined && !/[\t\n\r]/.test(text)) return text
  const read = messageOf(value, {}, left, level + 1)
  return typeof read === 'string' ? (text ?? read) : read
}

/** fieldsOf reads the fields of a message. It gives undefined for bytes that are no message, or beyond the bound. */
function fieldsOf(bytes: Uint8Array, left: { fields: number }): Field[] | undefined {
  const fields: Field[] = []
  let at = 0
  const varint = (): bigint | undefined => {
    let value = 0n
    for (let shift = 0n; shift < 70n && at < bytes.length; shift += 7n) {
      const byte = bytes[at++]!
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return value >> 64n === 0n ? value : undefined
    }
    return undefined
  }
  while (at < bytes.length) {
    const key = varint()
    if (key === undefined || key >> 3n === 0n || key >> 32n !== 0n || left.fields-- <= 0) return undefined
    const number = Number(key >> 3n)
    const sizes: Record<number, number> = { 1: 8, 5: 4 }
    const type = Number(key & 7n)
    if (type === 0) {
      const value = varint()
      if (value === undefined) return undefined
      fields.push({ number, value })
      continue
    }
    const size = type === 2 ? varint() : sizes[type] === undefined ? undefined : BigInt(sizes[type])
    if (size === undefined || size > BigInt(bytes.length - at)) return undefined
    fields.push({ number, value: bytes.subarray(at, at + Number(size)) })
    at += Number(size)
  }
  return fields
}

/** textOf gives the text that bytes are, or undefined for those that are none or have control characters. */
function textOf(bytes: Uint8Array): string | undefined {
  const { message, isText } = shown(bytes)
  return isText ? message : undefined
}
