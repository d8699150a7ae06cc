// What a screen says of a transaction of TRON. Core read it from the transaction.

import type { CoinTransaction } from '../../broker/types'
import { coins, coinSentence, tronKinds } from '../words/coins'
import { phrase, request as words, sentence } from '../words/request'
import { say, type Text } from '../words/text'
import type { Alert, Row, Said } from './model'
import { danger, part, row, warning } from './parts'
import { formatUnits } from './tokens'
import { marked } from './visible'

/** Tether's token: the one that core knows, too. */
const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'

const short = (address: string): Text => {
  const cut = address.length > 20 ? `${address.slice(0, 6)}…${address.slice(-6)}` : address
  return say(cut, cut)
}

export function tronTransaction({ account, description }: Extract<CoinTransaction, { kind: 'tron-transaction' }>): Said {
  const { summary, screen, blind } = description
  const { kind, receiver, payment, fee, unlimited, amount = '0', token, contract, notes = [] } = summary
  // Core adds to its words what every transaction can have: a limit for energy, a permission, a memo.
  const [base] = payment.split(/, (?:energy fee up to|by permission no\.|memo) /) as [string]
  const memo = /, memo (.*)$/s.exec(payment)?.[1]
  const permission = /, by permission no\. (\d+)/.exec(payment.slice(0, payment.length - (memo?.length ?? 0)))?.[1]
  const to = receiver === account.address ? phrase.own : short(receiver)
  const address = (name: Text, value: string): Row => ({
    name,
    value: {
      kind: 'address',
      address: value,
      ...(value === account.address && { name: phrase.own }),
      ...(value === usdt && { name: phrase.name('USDT') }),
    },
  })
  const tokens = token === usdt ? phrase.name('USDT') : phrase.tokens(short(token ?? '').en)
  const units = (): Text => {
    if (notes.includes('trc-10')) return say(base, base)
    if (token === undefined) return phrase.amount(formatUnits(BigInt(amount), 6), 'TRX')
    return token === usdt
      ? phrase.amount(formatUnits(BigInt(amount), 6), 'USDT')
      : phrase.units(formatUnits(BigInt(amount), 0), short(token).en)
  }
  const named = () => coinSentence.named(tronKinds[kind] ?? tronKinds['other']!, base)
  const alerts: Alert[] = []
  const rows: Row[] = []
  let said: Text
  switch (kind) {
    case 'transfer':
    case 'token-transfer':
      said = sentence.send(units(), to)
      rows.push(address(words.to, receiver), row(words.amount, units()))
      if (receiver === token) alerts.push(warning(words.toToken))
      break
    case 'token-approval':
      if (!base.startsWith('Allow ')) said = named()
      else if (unlimited) said = sentence.approveAll(to, tokens)
      else if (BigInt(amount) === 0n) said = sentence.endApproval(to, tokens)
      else said = sentence.approve(to, units())
      rows.push(address(words.spender, receiver), row(words.amount, unlimited ? words.unlimited : units(), unlimited))
      if (unlimited) alerts.push(danger(words.unlimitedText))
      break
    case 'approval-for-all':
      said = unlimited ? sentence.letTakeAll(to, tokens) : sentence.endForAll(to, tokens)
      rows.push(address(words.operator, receiver))
      if (unlimited) alerts.push(danger(words.allNFTs))
      break
    case 'creation':
      said = sentence.create()
      alerts.push(warning(words.creation))
      break
    case 'call':
      said = sentence.call(to)
      rows.push(address(words.contract, receiver), { name: words.method, value: { kind: 'text', text: base } })
      alerts.push(warning(words.unknownCall))
      break
    case 'change-permissions':
      said = coinSentence.changePermissions()
      alerts.push(danger(coins.changePermissions))
      break
    case 'other':
      said = named()
      alerts.push(warning(coins.otherContract))
      break
    default:
      said = named()
      if (receiver !== account.address) rows.push(address(coins.resourceTo, receiver))
  }
  if (token !== undefined) rows.push(address(words.token, token))
  if (permission !== undefined) {
    rows.push({ name: coins.permission, value: { kind: 'text', text: permission } })
    alerts.push(warning(coins.permissionText))
  }
  if (memo !== undefined) rows.push({ name: coins.memo, value: { kind: 'text', text: marked(memo) } })
  if (kind === 'other') rows.push({ name: words.method, value: { kind: 'text', text: contract } })
  rows.push(address(words.account, account.address))
  return {
    part: part(said, rows, alerts),
    cost: [
      fee === '' ? row(words.fee, coins.onlyBandwidth) : { name: coins.energyFee, value: { kind: 'text', text: fee } },
      row(words.chain, coins.tron),
    ],
    costAlerts: [...(fee === '' ? [] : [{ level: 'note', text: coins.bandwidth } as const]), warning(words.signsOnly)],
    device: {
      lines: [
        { title: 'Pay:', text: screen.payment },
        { title: 'To:', text: screen.receiver },
      ],
      note: blind ? words.deviceBlind : words.deviceText,
      times: 1,
    },
  }
}
