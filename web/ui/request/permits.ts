// Typed data that is known for what it does: permits, orders, transactions of a Safe and others.

import { phrase, request as words, sentence } from '../words/request'
import type { Text } from '../words/text'
import { asSafe, oneCall, together } from './calls'
import type { Alert, Part, Row, Surroundings } from './model'
import { addressRow, approval, danger, part, party, row, tokenAmount, until, warning } from './parts'
import { contractAt, formatUnits } from './tokens'
import { addressAt, at, boolAt, numberAt, textAt, type Field } from './typed'

/** Document is typed data that was read. */
export interface Document {
  readonly primaryType: string
  readonly domain: Field
  readonly message: Field
}

/**
 * inTyped says what typed data does, if it is known. It is recognised by the fields that are signed and their types. The contract decides
 * what a signature is for, so one that is not the known contract of that name is marked.
 */
export function inTyped(s: Surroundings, { primaryType, domain, message }: Document): Part | undefined {
  const contract = addressAt(domain, 'verifyingContract')
  if (contract === undefined || !isKnown(primaryType, domain)) return undefined
  for (const recognise of known[primaryType]!) {
    const found = recognise(s, contract, message, primaryType)
    if (found) return found
  }
  return undefined
}

/** isKnown reports whether a type has the name of a known one. If inTyped cannot read it, it is a danger: a site may have made it unreadable. */
export const isKnown = (primaryType: string, domain: Field): boolean =>
  Object.hasOwn(known, primaryType) && (primaryType !== 'Order' || isCow(domain))

type Recognise = (s: Surroundings, contract: string, message: Field, primaryType: string) => Part | undefined

/** permitted is a permission by a signature: it needs no transaction of the user. */
const permitted = (inner: Part, alerts: readonly Alert[] = []): Part => ({
  ...inner,
  sentence: sentence.permit(inner.sentence),
  alerts: [...alerts, ...inner.alerts, warning(words.takesWithout)],
  danger: inner.danger || alerts.some(({ level }) => level === 'danger'),
})

/** strange warns of a contract that is not the known one of that name. */
const strange = (contract: string, name: string): Alert[] => (contractAt(contract)?.startsWith(name) ? [] : [danger(words.strangeContract)])

/** EIP-2612: the contract is the token. */
const permit: Recognise = (s, token, m) => {
  const [owner, spender, value, deadline] = [addressAt(m, 'owner'), addressAt(m, 'spender'), numberAt(m, 'value'), numberAt(m, 'deadline')]
  if (owner === undefined || spender === undefined || value === undefined || deadline === undefined) return undefined
  return permitted(approval(s, token, spender, value, [addressRow(s, words.owner, owner), until(words.expires, deadline)]))
}

/** DAI's permit is for everything or for nothing. */
const permitOfDAI: Recognise = (s, token, m) => {
  const [holder, spender, expiry, allowed] = [addressAt(m, 'holder'), addressAt(m, 'spender'), numberAt(m, 'expiry'), boolAt(m, 'allowed')]
  if (holder === undefined || spender === undefined || expiry === undefined || allowed === undefined) return undefined
  // An expiry of 0 is none.
  const ends = expiry === 0n ? row(words.until, words.always) : until(words.until, expiry)
  return permitted(approval(s, token, spender, allowed ? 2n ** 256n - 1n : 0n, [addressRow(s, words.owner, holder), ends]))
}

/** EIP-4494: one NFT. */
const permitOfNFT: Recognise = (s, contract, m) => {
  const [spender, id, deadline] = [addressAt(m, 'spender'), numberAt(m, 'tokenId'), numberAt(m, 'deadline')]
  if (spender === undefined || id === undefined || deadline === undefined) return undefined
  const what = sentence.nft(id.toString(), party(s, contract))
  return permitted(
    part(sentence.letTake(party(s, spender), what), [
      addressRow(s, words.operator, spender),
      addressRow(s, words.contract, contract),
      until(words.expires, deadline),
    ]),
  )
}

/** PermitSingle and PermitBatch of Permit2: allowances that last. */
const allowance: Recognise = (s, contract, m, primaryType) => {
  const spender = addressAt(m, 'spender')
  const deadline = numberAt(m, 'sigDeadline')
  const details = primaryType === 'PermitSingle' ? [at(m, 'details', 'PermitDetails')] : (at(m, 'details', 'PermitDetails[]')?.fields ?? [])
  const parts = details.map((one) => {
    const [token, amount, expiration] = [addressAt(one, 'token'), numberAt(one, 'amount', 160), numberAt(one, 'expiration', 48)]
    return spender !== undefined && token !== undefined && amount !== undefined && expiration !== undefined
      ? approval(s, token, spender, amount, [until(words.until, expiration)])
      : undefined
  })
  return severalPermits(s, contract, spender, parts, deadline)
}

/** PermitTransferFrom and its batch and witness forms of Permit2: a transfer, once. */
const transfer: Recognise = (s, contract, m) => {
  const spender = addressAt(m, 'spender')
  const deadline = numberAt(m, 'deadline')
  const list = at(m, 'permitted', 'TokenPermissions[]')
  const parts = (list ? (list.fields ?? []) : [at(m, 'permitted', 'TokenPermissions')]).map((one) => {
    const [token, amount] = [addressAt(one, 'token'), numberAt(one, 'amount')]
    return spender !== undefined && token !== undefined && amount !== undefined ? approval(s, token, spender, amount) : undefined
  })
  return severalPermits(s, contract, spender, parts, deadline)
}

function severalPermits(
  s: Surroundings,
  contract: string,
  spender: string | undefined,
  parts: readonly (Part | undefined)[],
  deadline: bigint | undefined,
): Part | undefined {
  if (deadline === undefined || parts.length === 0 || !parts.every((one): one is Part => one !== undefined)) return undefined
  const rows: Row[] = [until(words.expires, deadline), addressRow(s, words.contract, contract)]
  const alerts = strange(contract, 'Permit2')
  if (parts.length === 1) return permitted({ ...parts[0]!, rows: [...parts[0]!.rows, ...rows] }, alerts)
  return permitted(together(sentence.approveSeveral(party(s, spender!), parts.length), parts, rows), alerts)
}

/** Seaport's orders. Anyone who has the signature can carry the order out. */
const order: Recognise = (s, contract, m) => permitted(oneOrder(s, m) ?? unreadable(), strange(contract, 'Seaport'))

const bulkOrder: Recognise = (s, contract, m) => {
  const orders: (Part | undefined)[] = []
  let hidden = 0
  const collect = (field: Field | undefined) => {
    if (field?.type === 'OrderComponents') {
      // The tree is filled up with empty orders.
      if (addressAt(field, 'offerer') !== '0x0000000000000000000000000000000000000000') orders.push(oneOrder(s, field))
    } else for (const entry of field?.fields ?? []) collect(entry)
    hidden += field?.more ?? 0
  }
  collect(m.fields?.find(({ name }) => name === 'tree'))
  const alerts = [...strange(contract, 'Seaport'), ...(hidden > 0 ? [danger(words.hiddenOrders)] : [])]
  return permitted(
    together(
      sentence.orders(orders.length),
      orders.map((one) => one ?? unreadable()),
      [addressRow(s, words.contract, contract)],
    ),
    alerts,
  )
}

const unreadable = (): Part => part(sentence.order(sentence.nothingOf(), sentence.nothingOf()), [], [danger(words.unknownData)])

function oneOrder(s: Surroundings, m: Field): Part | undefined {
  const offerer = addressAt(m, 'offerer')
  const offer = at(m, 'offer', 'OfferItem[]')
  const consideration = at(m, 'consideration', 'ConsiderationItem[]')
  const end = numberAt(m, 'endTime')
  if (offerer === undefined || !offer?.fields || !consideration?.fields || end === undefined) return undefined
  const gives = offer.fields.map((one) => item(s, one))
  const back = consideration.fields.filter((one) => addressAt(one, 'recipient') === offerer)
  const gets = back.map((one) => item(s, one))
  const others = consideration.fields.filter((one) => !back.includes(one))
  if ([...gives, ...gets].includes(undefined)) return undefined
  const all = (list: readonly (Text | undefined)[]) => (list.length === 0 ? sentence.nothingOf() : phrase.and(list as Text[]))
  return part(
    sentence.order(all(gives), all(gets)),
    [
      ...gives.map((what) => row(words.gives, what!)),
      ...(gets.length > 0 ? gets.map((what) => row(words.gets, what!)) : [row(words.gets, sentence.nothingOf(), true)]),
      ...others.flatMap((one) => {
        const [what, to] = [item(s, one), addressAt(one, 'recipient')]
        return what && to !== undefined ? [row(words.amount, sentence.send(what, party(s, to)))] : []
      }),
      addressRow(s, words.offerer, offerer),
      until(words.expires, end),
    ],
    gets.length === 0 && gives.length > 0 ? [danger(words.nothingBack)] : [],
  )
}

/** item puts an item of an order in words. The smaller of two amounts counts for what one gets; orders whose amount changes show both. */
function item(s: Surroundings, one: Field): Text | undefined {
  const [token, id, start, end] = [
    addressAt(one, 'token'),
    numberAt(one, 'identifierOrCriteria'),
    numberAt(one, 'startAmount'),
    numberAt(one, 'endAmount'),
  ]
  const type = numberAt(one, 'itemType', 8)
  if (token === undefined || id === undefined || start === undefined || end === undefined || type === undefined || type > 5n)
    return undefined
  const say = (amount: bigint): Text => {
    if (type === 0n) return s.coin(amount)
    if (type === 1n) return tokenAmount(s, token, amount)
    // With types 4 and 5, any NFT of the contract that meets a criterion.
    const number = type > 3n ? '*' : id.toString()
    return amount === 1n ? sentence.nft(number, party(s, token)) : sentence.nfts(formatUnits(amount, 0), number, party(s, token))
  }
  return start === end ? say(start) : sentence.either(say(start), say(end))
}

/** A transaction of a Safe: the owners sign it, and anyone can hand it in when enough did. */
const safeTx: Recognise = (s, contract, m) => {
  const [to, value, data] = [addressAt(m, 'to'), numberAt(m, 'value'), textAt(m, 'data', 'bytes')]
  const operation = numberAt(m, 'operation', 8)
  // Safes before version 1.0.0 call it dataGas.
  const [txGas, baseGas] = [numberAt(m, 'safeTxGas'), numberAt(m, 'baseGas') ?? numberAt(m, 'dataGas')]
  const [price, token, receiver] = [numberAt(m, 'gasPrice'), addressAt(m, 'gasToken'), addressAt(m, 'refundReceiver')]
  if (to === undefined || value === undefined || data === undefined || operation === undefined) return undefined
  if (txGas === undefined || baseGas === undefined || price === undefined || token === undefined || receiver === undefined) return undefined
  if (!/^0x([0-9a-f]{2})*$/i.test(data) || operation > 1n) return undefined
  const refund = { gas: txGas + baseGas, price, token, receiver }
  return asSafe(s, contract, { to, value, data: data.slice(2).toLowerCase() }, operation === 1n, refund)
}

const safeMessage: Recognise = (s, contract, m) => {
  const data = textAt(m, 'message', 'bytes')
  if (data === undefined) return undefined
  return part(
    sentence.safeMessage(),
    [addressRow(s, words.safe, contract), { name: words.message, value: { kind: 'hex', hex: data } }],
    [warning(words.unknownData)],
  )
}

/** EIP-3009: a transfer that another account hands in. */
const authorization: Recognise = (s, token, m) => {
  const [from, to, value, before] = [addressAt(m, 'from'), addressAt(m, 'to'), numberAt(m, 'value'), numberAt(m, 'validBefore')]
  if (from === undefined || to === undefined || value === undefined || before === undefined) return undefined
  const what = tokenAmount(s, token, value)
  return permitted(
    part(sentence.send(what, party(s, to)), [
      addressRow(s, words.to, to),
      addressRow(s, words.from, from),
      row(words.amount, what),
      addressRow(s, words.token, token),
      until(words.expires, before),
    ]),
  )
}

/** A call that another account sends in the user's name: ERC-2771's forwarders, and the older MetaTransaction. */
const forward: Recognise = (s, contract, m, primaryType) => {
  const meta = primaryType === 'MetaTransaction'
  const to = meta ? contract : addressAt(m, 'to')
  const data = textAt(m, meta ? 'functionSignature' : 'data', 'bytes')
  const value = meta ? 0n : (numberAt(m, 'value') ?? 0n)
  if (to === undefined || data === undefined || !/^0x([0-9a-f]{2})*$/i.test(data)) return undefined
  const does = oneCall(s, { to, value, data: data.slice(2).toLowerCase() })
  return { ...does, sentence: sentence.forward(does.sentence) }
}

/** isCow reports whether a domain is that of CoW Protocol. Other exchanges have a type Order, too. */
const isCow = (domain: Field): boolean => textAt(domain, 'name') === 'Gnosis Protocol'

/** An order of CoW Protocol. */
const cow: Recognise = (s, contract, m) => {
  const [sell, buy, receiver] = [addressAt(m, 'sellToken'), addressAt(m, 'buyToken'), addressAt(m, 'receiver')]
  const [sells, buys, fee] = [numberAt(m, 'sellAmount'), numberAt(m, 'buyAmount'), numberAt(m, 'feeAmount') ?? 0n]
  const end = numberAt(m, 'validTo', 32)
  if (sell === undefined || buy === undefined || receiver === undefined || sells === undefined || buys === undefined || end === undefined)
    return undefined
  const [gives, gets] = [tokenAmount(s, sell, sells + fee), tokenAmount(s, buy, buys)]
  const elsewhere = receiver !== s.own && !/^0x0+$/.test(receiver)
  return permitted(
    part(
      sentence.order(gives, elsewhere ? sentence.nothingOf() : gets),
      [
        row(words.gives, gives),
        row(words.gets, gets),
        addressRow(s, words.receiver, receiver),
        until(words.expires, end),
        addressRow(s, words.contract, contract),
      ],
      elsewhere ? [danger(words.nothingBack)] : [],
    ),
  )
}

/** The known types, by name, with what reads them. */
const known: Readonly<Record<string, readonly Recognise[]>> = {
  Permit: [permit, permitOfDAI, permitOfNFT],
  PermitSingle: [allowance],
  PermitBatch: [allowance],
  PermitTransferFrom: [transfer],
  PermitBatchTransferFrom: [transfer],
  PermitWitnessTransferFrom: [transfer],
  PermitBatchWitnessTransferFrom: [transfer],
  OrderComponents: [order],
  BulkOrder: [bulkOrder],
  SafeTx: [safeTx],
  SafeMessage: [safeMessage],
  TransferWithAuthorization: [authorization],
  ReceiveWithAuthorization: [authorization],
  ForwardRequest: [forward],
  MetaTransaction: [forward],
  Order: [cow],
}
