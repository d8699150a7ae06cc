// What a screen says of a transaction of Bitcoin. Core computed it from the transaction and the keys of the accounts.

import type { CoinTransaction } from '../../broker/types'
import { coins, coinSentence, networks } from '../words/coins'
import { phrase, request as words, sentence } from '../words/request'
import { say, type Text } from '../words/text'
import type { Alert, Row, Said } from './model'
import { danger, part, row, warning } from './parts'
import { formatUnits } from './tokens'

/** The most payments that a screen lists, and that the drawing of the device shows. */
const [mostListed, mostDrawn] = [100, 3]

export function bitcoinTransaction({ network, summary }: Extract<CoinTransaction, { kind: 'bitcoin-transaction' }>): Said {
  const { payments, change, fee, spent, own, unsigned, notes } = summary
  const coin = network === 'mainnet' ? 'BTC' : 'tBTC'
  const amount = (satoshi: number): Text => phrase.amount(formatUnits(BigInt(satoshi), 8), coin)
  const paid = payments.reduce((sum, { amount }) => sum + amount, 0)
  const back = change.reduce((sum, { amount }) => sum + amount, 0)
  const [only, ...others] = payments
  const name = (address: string | undefined): Text =>
    address === undefined ? coins.script : say(`${address.slice(0, 8)}…${address.slice(-6)}`, `${address.slice(0, 8)}…${address.slice(-6)}`)
  const rows: Row[] = payments
    .slice(0, mostListed)
    .flatMap(({ address, script, amount: satoshi }): Row[] => [
      address === undefined
        ? { name: coins.script, value: { kind: 'hex', hex: script } }
        : { name: words.to, value: { kind: 'address', address } },
      row(words.amount, amount(satoshi)),
    ])
  for (const { address, amount: satoshi } of change) {
    rows.push({ name: coins.change, value: { kind: 'address', address } }, row(words.amount, amount(satoshi)))
  }
  const alerts: Alert[] = []
  const high = notes.includes('high-fee')
  if (high) alerts.push(danger(coins.highFee))
  if (payments.length > mostListed) alerts.push(danger(words.tooMuch), danger(phrase.notShown(payments.length - mostListed)))
  if (notes.includes('foreign-inputs')) {
    rows.push({ name: coins.unsigned, value: { kind: 'text', text: unsigned.map((i) => i + 1).join(', ') } })
    alerts.push(warning(coins.foreignInputs))
  }
  if (notes.includes('dust')) alerts.push(warning(coins.dust))
  if (notes.includes('no-address')) alerts.push(warning(coins.noAddress))
  const said =
    only && others.length === 0 ? sentence.send(amount(paid), name(only.address)) : coinSentence.sendSeveral(amount(paid), payments.length)
  return {
    part: part(said, rows, alerts),
    cost: [
      row(words.fee, amount(fee), high),
      row(coins.spends, amount(own)),
      ...(own === spent ? [row(coins.leaves, amount(own - back))] : [row(coins.allSpent, amount(spent))]),
      row(words.chain, networks[network] ?? say(network, network)),
    ],
    costAlerts: [warning(words.signsOnly)],
    device: {
      lines: [
        ...payments.slice(0, mostDrawn).map(({ address, script, amount: satoshi }) => ({
          title: amount(satoshi).en,
          text: address ?? script,
        })),
        ...(payments.length > mostDrawn ? [{ title: '…', text: phrase.andMore(payments.length - mostDrawn).en }] : []),
        { title: 'Fee:', text: amount(fee).en },
      ],
      note: notes.includes('no-address') ? words.deviceBlind : words.deviceText,
      times: 1,
    },
    ...(high && { override: coins.highFeeOverride }),
  }
}
