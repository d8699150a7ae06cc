// The pieces of which calls.ts and permits.ts make their parts.

import { checksummed } from '../../sdk/provider/keccak'
import { phrase, request as words, sentence } from '../words/request'
import { say, type Text } from '../words/text'
import type { Alert, Part, Row, Surroundings, Value } from './model'
import { contractAt, formatUnits, tokenAt, unlimitedFrom } from './tokens'

/** address gives an address in the mixed case of EIP-55, which users compare. */
export const mixed = (address: string): string => `0x${checksummed(address.slice(2).toLowerCase())}`

const short = (address: string): Text => {
  const text = mixed(address)
  const cut = `${text.slice(0, 6)}…${text.slice(-4)}`
  return say(cut, cut)
}

/** nameOf returns what is known of an address. */
export function nameOf(s: Surroundings, address: string): Text | undefined {
  if (address.toLowerCase() === s.own) return phrase.own
  const known = contractAt(address) ?? tokenAt(s.chain, address)?.symbol
  return known === undefined ? undefined : phrase.name(known)
}

/** party names an address within a sentence. The rows have all of it. */
export const party = (s: Surroundings, address: string): Text => nameOf(s, address) ?? short(address)

export function addressValue(s: Surroundings, address: string): Value {
  const name = nameOf(s, address)
  return { kind: 'address', address: mixed(address), ...(name && { name }) }
}

export const addressRow = (s: Surroundings, name: Text, address: string): Row => ({ name, value: addressValue(s, address) })
export const row = (name: Text, said: Text, danger = false): Row => ({
  name,
  value: { kind: 'words', words: said },
  ...(danger && { danger }),
})

/** tokenAmount puts an amount of a token in words: in its own unit if the token is known. */
export function tokenAmount(s: Surroundings, token: string, amount: bigint): Text {
  const known = tokenAt(s.chain, token)
  if (known) return phrase.amount(formatUnits(amount, known.decimals), known.symbol)
  return phrase.units(formatUnits(amount, 0), short(token).en)
}

/** tokenName names a token within a sentence. */
export const tokenName = (s: Surroundings, token: string): Text => {
  const known = tokenAt(s.chain, token)
  return known ? phrase.name(known.symbol) : phrase.tokens(short(token).en)
}

export const danger = (text: Text): Alert => ({ level: 'danger', text })
export const warning = (text: Text): Alert => ({ level: 'warning', text })

/** part makes a part. It is red if one of its alerts is. */
export function part(said: Text, rows: readonly Row[] = [], alerts: readonly Alert[] = [], parts: readonly Part[] = []): Part {
  const red = alerts.some(({ level }) => level === 'danger') || parts.some((one) => one.danger)
  return { sentence: said, danger: red, rows, alerts, parts }
}

/** approval is the permission to take up to an amount of a token. */
export function approval(s: Surroundings, token: string, spender: string, amount: bigint, more: readonly Row[] = []): Part {
  const endless = amount >= unlimitedFrom
  const to = party(s, spender)
  const said = endless
    ? sentence.approveAll(to, tokenName(s, token))
    : amount === 0n
      ? sentence.endApproval(to, tokenName(s, token))
      : sentence.approve(to, tokenAmount(s, token, amount))
  return part(
    said,
    [
      addressRow(s, words.spender, spender),
      row(words.amount, endless ? words.unlimited : tokenAmount(s, token, amount), endless),
      addressRow(s, words.token, token),
      ...more,
    ],
    endless ? [danger(words.unlimitedText)] : [],
  )
}

/** unixTime puts a number of seconds since 1970 in words. */
function unixTime(seconds: bigint): Text {
  if (seconds >= 2n ** 40n) return words.always
  if (seconds > 8_640_000_000_000n) return phrase.second(seconds.toString())
  const date = new Date(Number(seconds) * 1000)
  const format = (tag: string) =>
    new Intl.DateTimeFormat(tag, { dateStyle: 'long', timeStyle: 'short', timeZone: 'UTC', timeZoneName: undefined }).format(date)
  return say(`${format('en')} UTC`, `${format('zh-CN')} UTC`)
}

export const until = (name: Text, seconds: bigint): Row => row(name, unixTime(seconds))
