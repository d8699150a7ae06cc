// What a screen says of a request: computed from the request and nothing else, in both languages at once.

import { callName, calls as callWords, callState } from '../words/calls'
import { coins, coinSentence } from '../words/coins'
import { phrase, request as words, sentence } from '../words/request'
import { say, type Text } from '../words/text'
import { bitcoinTransaction } from './bitcoin'
import { together, oneCall } from './calls'
import { cosmosTransaction } from './cosmos'
import type { Alert, Branch, DeviceText, Explanation, Part, Row, Said, Surroundings, Value } from './model'
import { readOrigin, type Origin } from './origin'
import { addressRow, addressValue, danger, mixed, nameOf, part, party, row, warning } from './parts'
import { inTyped, isKnown } from './permits'
import type { Account, ChainFacts, Described, Review, What } from '../../broker/types'
import type { Description } from 'imkey-connect'
import { formatUnits } from './tokens'
import { tronTransaction } from './tron'
import { readTyped, type Field } from './typed'
import { hasMarks, marked } from './visible'

export type { DeviceText, Explanation } from './model'

/** explain says what a request does. */
export function explain(review: Review, known: readonly string[] = []): Explanation {
  const { what } = review
  const origin = readOrigin(review.origin, known)
  return { origin, ...(review.since !== undefined && { since: review.since }), ...whatIs(what, origin) }
}

function whatIs(what: What, origin: Origin): Said {
  switch (what.kind) {
    case 'accounts':
      return {
        part: part(what.coin ? coinSentence.accounts(origin.domain, coins[what.coin]) : sentence.accounts(origin.domain)),
        cost: [],
        costAlerts: [],
      }
    case 'message':
      return message(what, origin)
    case 'typed-data':
      return typedData(what)
    case 'transaction':
      return transactions(what.account, what.chain, [what], what.replaces, what.sends)
    case 'calls':
      return batch(what)
    case 'calls-status':
      return {
        part: part(callWords.statusTitle, callsRows(what), what.chain.known ? [] : [warning(words.siteNames)]),
        cost: [],
        costAlerts: [],
      }
    case 'hand-over':
      return handOver(what)
    case 'tron-transaction':
      return tronTransaction(what)
    case 'bitcoin-transaction':
      return bitcoinTransaction(what)
    case 'cosmos-transaction':
      return cosmosTransaction(what)
  }
}

const accountRow = ({ address }: Account): Row => ({
  name: words.account,
  value: { kind: 'address', address: address.startsWith('0x') ? mixed(address) : address },
})

const surroundings = (account: Account, chain: bigint | undefined, coin: Surroundings['coin']): Surroundings => ({
  chain,
  own: account.address.toLowerCase(),
  coin,
  left: { calls: 256 },
})

/** batch is about calls of EIP-5792, perhaps not all of one batch. */
function batch({ account, chain, calls, first, total }: Extract<What, { kind: 'calls' }>): Said {
  const said = transactions(account, chain, calls, undefined, true)
  if (calls.length === total) return said
  const which = row(words.batchPart, phrase.batch(first, first + calls.length - 1, total))
  return { ...said, part: { ...said.part, rows: [which, ...said.part.rows] } }
}

/** callsRows says how each transaction of a batch stands. */
const callsRows = ({ chain, receipts, total }: Extract<What, { kind: 'calls-status' }>): Row[] => [
  row(words.chain, nameOfChain(chain)),
  ...Array.from({ length: total }, (_, i): Row[] => {
    const receipt = receipts[i]
    const state = receipt === undefined ? callState.open : receipt.status === '0x1' ? callState.good : callState.failed
    return [
      row(callName(i + 1), state),
      ...(receipt ? [{ name: callWords.hash, value: { kind: 'hex', hex: receipt.transactionHash } } as const] : []),
    ]
  }).flat(),
]

/** handOver is about the binding that a site has had for itself. */
function handOver({ serial, known }: Extract<What, { kind: 'hand-over' }>): Said {
  const rows: Row[] = [{ name: words.serial, value: { kind: 'text', text: serial } }]
  if (known?.name) rows.push({ name: words.calledHere, value: { kind: 'text', text: known.name } })
  const replaces = known !== undefined // whatever its state: a device may lie about that
  return {
    part: part(sentence.handOver(), rows, [
      ...(replaces ? [danger(words.handOverReplaces)] : []),
      { level: 'note', text: words.handOverText },
    ]),
    cost: [],
    costAlerts: [],
    ...(replaces && { override: words.handOverOverride }),
  }
}

function message(what: Extract<What, { kind: 'message' }>, origin: Origin): Said {
  const { signIn, account, coin, isText, message: text } = what
  const rows: Row[] = []
  const alerts: Alert[] = []
  let override: Text | undefined
  if (signIn) {
    const { differs, domain, uri } = signIn
    rows.push(
      { name: words.website, value: { kind: 'text', text: domain ?? '?' }, danger: differs.includes('domain') },
      { name: words.asking, value: { kind: 'text', text: origin.text } },
    )
    if (uri !== undefined) rows.push({ name: words.resource, value: { kind: 'text', text: uri } })
    if (differs.includes('domain')) {
      alerts.push(danger(domain === undefined ? words.signInNone : words.signInOther))
      override = words.override
    }
    if (differs.includes('address') && signIn.address !== undefined) {
      alerts.push(danger(words.signInAccount))
      override ??= words.overrideAccount
    }
    if (differs.includes('uri') && uri !== undefined) alerts.push(warning(words.signInURI))
    if (differs.includes('chain') && signIn.chainId !== undefined) alerts.push(warning(words.signInChain))
  }
  rows.push(accountRow(account))
  if (isText && hasMarks(text)) alerts.push(warning(words.hiddenMarks))
  const bytes = (text.length - 2) / 2
  if (!isText && bytes === 32) alerts.push(danger(words.digestLike))
  const said = signIn
    ? signIn.domain === undefined
      ? sentence.signInNowhere()
      : sentence.signIn(marked(signIn.domain))
    : isText
      ? coin
        ? coinSentence.message(coins[coin])
        : sentence.message()
      : sentence.bytes(bytes)
  const printable = !coin && isText && /^[\n -~]*$/.test(text)
  return {
    part: part(said, rows, alerts),
    message: { text, isText },
    cost: [],
    costAlerts: [],
    device: deviceOf(printable ? [{ title: 'Sign message:', text }] : [], what.description, !printable, 1),
    ...(override && { override }),
  }
}

function typedData(what: Extract<What, { kind: 'typed-data' }>): Said {
  const { document, account } = what
  const { primaryType, domain, message } = readTyped(document)
  const chainField = domain.fields?.find(({ name }) => name === 'chainId')?.value
  const chain = typeof chainField === 'bigint' ? chainField : undefined
  const s = surroundings(account, chain, (n) => phrase.coins(formatUnits(n, 18)))
  const found = message && inTyped(s, { primaryType, domain, message })
  const name = domain.fields?.find(({ name, type }) => name === 'name' && type === 'string')?.value
  const app = typeof name === 'string' ? marked(name) : ''
  const rows: Row[] = []
  if (app) rows.push({ name: words.domain, value: { kind: 'text', text: app } })
  const contract = domain.fields?.find(({ name, type }) => name === 'verifyingContract' && type === 'address')?.value
  if (typeof contract === 'string' && /^0x[0-9a-f]{40}$/.test(contract) && !names(found, contract)) {
    rows.push(addressRow(s, words.contract, contract))
  }
  if (chain !== undefined) rows.push(row(words.chain, chainName(chain)))
  rows.push(accountRow(account))
  const read = message ? [domain, message] : [domain]
  const more = read.reduce((sum, field) => sum + left(field), 0)
  const alerts = more > 0 ? [danger(words.tooMuch), danger(phrase.notShown(more))] : []
  const unread = isKnown(primaryType, domain) ? [danger(words.unreadType)] : []
  const does = found ?? part(sentence.typed(marked(cut(primaryType, 80)), cut(app, 80)), [], [...unread, warning(words.unknownData)])
  return {
    part: { ...does, rows: [...does.rows, ...rows], alerts: [...alerts, ...does.alerts], danger: does.danger || alerts.length > 0 },
    tree: read.map((field) => branchOf(s, field)),
    cost: [],
    costAlerts: [{ level: 'note', text: words.noCost }],
    device: deviceOf([], what.description, true, 1),
  }
}

/** names reports whether the rows of a part have an address. */
const names = (found: Part | undefined, address: string): boolean =>
  found?.rows.some(({ value }) => value.kind === 'address' && value.address.toLowerCase() === address) ?? false

const cut = (text: string, length: number) => (text.length > length ? `${text.slice(0, length)}…` : text)

/** left counts the values that are left out. */
const left = (field: Field): number => field.more + (field.fields ?? []).reduce((sum, one) => sum + left(one), 0)

const branchOf = (s: Surroundings, { name, type, value, fields, more }: Field): Branch => ({
  name,
  type,
  ...(fields && { branches: fields.map((field) => branchOf(s, field)) }),
  ...(!fields && { value: valueOf(s, type, value) }),
  ...(more > 0 && { more }),
})

function valueOf(s: Surroundings, type: string, value: Field['value']): Value {
  if (value === undefined) return { kind: 'words', words: words.absent }
  if (typeof value === 'bigint') return { kind: 'text', text: formatUnits(value, 0) }
  if (typeof value === 'boolean') return { kind: 'text', text: String(value) }
  if (value === '') return { kind: 'words', words: words.empty }
  if (type === 'address' && /^0x[0-9a-f]{40}$/.test(value)) return addressValue(s, value)
  return type.startsWith('bytes') ? { kind: 'hex', hex: value } : { kind: 'text', text: value }
}

/** Names of chains that are known by their number. A broker has more. */
const chainName = (id: bigint): Text => {
  const known: Readonly<Record<string, string>> = {
    1: 'Ethereum',
    10: 'OP Mainnet',
    56: 'BNB Smart Chain',
    100: 'Gnosis',
    137: 'Polygon',
    8453: 'Base',
    42161: 'Arbitrum One',
    43114: 'Avalanche',
    59144: 'Linea',
    728126428: 'TRON',
    11155111: 'Sepolia',
  }
  const key = id.toString()
  return Object.hasOwn(known, key) ? phrase.name(known[key]!) : phrase.chainNo(key)
}

/** numberOf reads a quantity of a transaction: hex after 0x, or a number. */
function numberOf(value: unknown): bigint {
  try {
    return value === undefined || value === null ? 0n : BigInt(value as string)
  } catch {
    return 0n
  }
}

function transactions(account: Account, chain: ChainFacts, list: readonly Described[], replaces: string | undefined, sends: boolean): Said {
  const coinOf = (amount: bigint): Text => {
    const text = phrase.amount(formatUnits(amount, chain.nativeCurrency.decimals), marked(chain.nativeCurrency.symbol))
    return chain.known ? text : phrase.sites(text)
  }
  const s = surroundings(account, BigInt(chain.id), coinOf)
  const parts = list.slice(0, mostTransactions).map((one) => transaction(s, one))
  const notes = new Set(list.flatMap(({ description }) => description.summary?.notes ?? []))
  const everyChain = list.some(({ transaction }) => transaction.chainId === undefined || transaction.chainId === null)

  let whole = parts.length === 1 ? parts[0]! : together(sentence.calls(list.length), parts, [], [{ level: 'note', text: words.batch }])
  if (list.length > mostTransactions) whole = { ...whole, danger: true, alerts: [danger(words.tooMuch), ...whole.alerts] }
  const alerts: Alert[] = []
  const rows: Row[] = []
  if (everyChain || notes.has('every-chain')) alerts.push(danger(words.everyChain))
  if (replaces !== undefined) {
    alerts.push(warning(words.replacesText))
    rows.push({ name: words.replaces, value: { kind: 'hex', hex: replaces } })
  }
  if (!sends) alerts.push(warning(words.signsOnly))
  whole = {
    ...whole,
    rows: [...whole.rows, ...rows, accountRow(account)],
    alerts: [...alerts, ...whole.alerts],
    danger: whole.danger || alerts.some(({ level }) => level === 'danger'),
  }

  const fee = list.reduce((sum, { transaction: t }) => sum + numberOf(t.gas ?? t.gasLimit) * numberOf(t.maxFeePerGas ?? t.gasPrice), 0n)
  const value = list.reduce((sum, { transaction: t }) => sum + numberOf(t.value), 0n)
  const shown = list.every(({ description }) => description.screen)
  const cost: Row[] = [
    row(words.fee, coinOf(fee)),
    ...(value > 0n ? [row(words.total, coinOf(value + fee))] : []),
    row(words.chain, nameOfChain(chain)),
    ...(chain.node !== undefined && !chain.known ? [{ name: words.node, value: { kind: 'text', text: chain.node } } as Row] : []),
  ]
  const costAlerts: Alert[] = []
  if (fee >= unusual(chain)) costAlerts.push(danger(words.feeHigh))
  if (!shown) costAlerts.push(warning(words.feeHidden))
  if (notes.has('data-fee')) costAlerts.push({ level: 'note', text: words.dataFee })
  if (!chain.known) costAlerts.push(warning(words.siteNames))

  const devices = list.slice(0, mostTransactions).map(({ description }) => {
    const { screen } = description
    const lines = screen
      ? [
          { title: 'Pay:', text: screen.payment },
          { title: 'To:', text: screen.receiver },
          { title: 'Fee:', text: screen.fee },
        ]
      : []
    return deviceOf(lines, description, description.blind, 1)
  })
  return {
    part: whole,
    cost,
    costAlerts,
    ...(devices[0] && { device: { ...devices[0], times: list.length } }),
    ...(devices.length > 1 && { devices }),
  }
}

/** The most transactions of a batch that a screen explains. */
const mostTransactions = 100

const nameOfChain = (chain: ChainFacts): Text => {
  if (chain.name === undefined) return phrase.chainNo(String(chain.id))
  const name = phrase.name(marked(cut(chain.name, 60)))
  const numbered = say(`${name.en} (${chain.id})`, `${name.zh}（${chain.id}）`)
  return chain.known ? numbered : phrase.sites(numbered)
}

/** A fee from which on it is marked: a tenth of a coin that is worth much, ten coins of others. */
const unusual = ({ nativeCurrency: { symbol, decimals } }: ChainFacts): bigint =>
  /^(ETH|BNB|BTC|RBTC)$/.test(symbol) ? 10n ** BigInt(decimals) / 10n : 10n ** BigInt(decimals) * 10n

function transaction(s: Surroundings, { transaction: t }: Described): Part {
  const data = (t.data ?? t.input ?? '0x').slice(2).toLowerCase()
  const value = numberOf(t.value)
  const to = typeof t.to === 'string' && /^0x[0-9a-f]{40}$/i.test(t.to) ? t.to : undefined
  const does =
    to === undefined
      ? part(
          sentence.create(),
          [...(value > 0n ? [row(words.sends, s.coin(value))] : []), { name: words.data, value: { kind: 'hex', hex: `0x${data}` } }],
          [warning(words.creation)],
        )
      : oneCall(s, { to, value, data })
  const delegations = authorizations(s, t.authorizationList ?? [])
  if (!delegations) return does
  return {
    // The worst comes first.
    sentence: idle(t) ? delegations.sentence : sentence.also(delegations.sentence, does.sentence),
    danger: does.danger || delegations.danger,
    rows: [...delegations.rows, ...does.rows],
    alerts: [...delegations.alerts, ...does.alerts],
    parts: does.parts,
  }
}

/** idle reports whether a transaction does nothing besides its authorizations. */
const idle = ({ value, data, input, to }: Described['transaction']): boolean =>
  numberOf(value) === 0n && (data ?? input ?? '0x') === '0x' && !!to

/** The most authorizations that are listed. */
const mostAuthorizations = 20

/** authorizations says what the authorizations of EIP-7702 in a transaction do. */
function authorizations(s: Surroundings, list: NonNullable<Described['transaction']['authorizationList']>): Part | undefined {
  if (list.length === 0) return undefined
  const rows: Row[] = []
  let gives: string | undefined
  for (const { address, chainId } of list) {
    const ends = /^0x0{40}$/.test(address)
    if (!ends) gives ??= address
    if (rows.length >= mostAuthorizations) continue
    const id = numberOf(chainId)
    const where = phrase.onChain(id === 0n ? phrase.everyChain : chainName(id))
    const name = ends ? sentence.undelegate() : nameOf(s, address)
    rows.push({
      name: words.code,
      value: { kind: 'address', address: mixed(address), name: name ? phrase.and([name, where]) : where },
      ...(!ends && { danger: true }),
    })
  }
  if (list.length > rows.length) rows.push(row(words.code, phrase.andMore(list.length - rows.length), true))
  return gives === undefined
    ? part(sentence.undelegate(), rows)
    : part(sentence.delegate(party(s, gives)), rows, [danger(words.delegation)])
}

function deviceOf(lines: DeviceText['lines'], shown: Partial<Description>, blind: boolean, times: number): DeviceText {
  const digest = lines.length === 0 ? shown.digest : undefined
  const note =
    lines.length > 0 ? (blind ? words.deviceBlind : words.deviceText) : digest === undefined ? words.deviceUnknown : words.deviceDigest
  return { lines, ...(digest !== undefined && { digest }), note, times }
}
