// What a screen says of a document of Cosmos. Core read it from the document.

import type { CoinTransaction, Json } from '../../broker/types'
import { coins, coinSentence, cosmosKinds } from '../words/coins'
import { phrase, request as words, sentence } from '../words/request'
import { say, type Text } from '../words/text'
import type { Branch, Row, Said } from './model'
import { danger, part, row, warning } from './parts'

type Asked = Extract<CoinTransaction, { kind: 'cosmos-transaction' }>

/** The most values of a document that a screen shows. */
const mostValues = 1500

const short = (address: string): Text => {
  const cut = address.length > 24 ? `${address.slice(0, 12)}…${address.slice(-6)}` : address
  return say(cut, cut)
}

export function cosmosTransaction({ account, description, messages, fee: paid }: Asked): Said {
  const { summary, screen, blind } = description
  const { kind, payment, receiver, fee, types, chainId, memo } = summary
  const base = wordsOf(payment, memo, chainId)
  const sends = kind === 'transfer' && !blind
  const rows: Row[] = []
  if (receiver !== '') rows.push({ name: sends ? words.to : coins.resourceTo, value: { kind: 'address', address: receiver } })
  if (sends) rows.push(row(words.amount, say(base, base)))
  rows.push({ name: coins.types, value: { kind: 'text', text: types.join(', ') } })
  if (memo !== '') rows.push({ name: coins.memo, value: { kind: 'text', text: memo } })
  rows.push({ name: words.account, value: { kind: 'address', address: account.address } })
  const left = { values: mostValues }
  const tree = [...messages.map((message, i) => branchOf(`${i + 1}`, message, left)), branchOf('fee', paid, left)]
  const alerts = [
    ...(left.values < 0 ? [danger(words.tooMuch), danger(phrase.notShown(-left.values))] : []),
    ...(blind ? [warning(coins.cosmosBlind)] : []),
  ]
  const said = sends
    ? sentence.send(say(base, base), short(receiver))
    : coinSentence.named(cosmosKinds[kind] ?? cosmosKinds['other']!, base)
  return {
    part: part(said, rows, alerts),
    tree,
    cost: [
      { name: words.fee, value: { kind: 'text', text: fee } },
      { name: words.chain, value: { kind: 'text', text: chainId } },
    ],
    costAlerts: [warning(words.signsOnly)],
    ...(screen && {
      device: {
        lines: [
          { title: 'Pay:', text: screen.payment },
          { title: 'To:', text: screen.receiver },
          { title: 'Fee:', text: screen.fee },
        ],
        note: blind ? words.deviceBlind : words.deviceText,
        times: 1,
      },
    }),
  }
}

/** wordsOf leaves out what core adds at the end: the memo, and the chain if that is not the Cosmos Hub. Both have rows of their own. */
function wordsOf(payment: string, memo: string, chainId: string): string {
  const without = (text: string, end: string) => (text.endsWith(end) ? text.slice(0, -end.length) : text)
  const base = without(payment, `, on ${chainId}`)
  return memo === '' ? base : without(base, `, memo "${memo}"`).replace(/, memo of \d+ bytes$/, '')
}

/** branchOf makes a tree of JSON. left counts the values that may still be shown; below zero, those that are not. */
function branchOf(name: string, value: Json, left: { values: number }): Branch {
  left.values--
  if (value === null || typeof value !== 'object') return { name, type: '', value: { kind: 'text', text: String(value) } }
  const entries: (readonly [string, Json])[] = Array.isArray(value)
    ? (value as readonly Json[]).map((one, i) => [String(i + 1), one] as const)
    : Object.entries(value as Readonly<Record<string, Json>>)
  const branches: Branch[] = []
  for (const [name, one] of entries) {
    if (left.values > 0) branches.push(branchOf(name, one, left))
    else left.values--
  }
  const more = entries.length - branches.length
  return { name, type: '', branches, ...(more > 0 && { more }) }
}
