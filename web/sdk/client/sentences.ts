import type { ErrorCode } from '../types/imkey'
import { sentences } from './sentences.gen'

/** known are the sentences so far, without a prototype: a reason may be any text. */
const known: Record<string, string> = Object.assign(Object.create(null) as Record<string, string>, sentences)

/** learn adds the sentences that a part of imkey.js brings. Errors that need them are made only after one part was loaded. */
export function learn(late: Readonly<Record<string, string>>) {
  Object.assign(known, late)
}

/** worded makes an error's message: the sentences for the user, and details for a developer in parentheses. */
export function worded(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>): string {
  const sentence = known[`${code}/${String(data?.['reason'])}`] ?? known[code] ?? known['internal']!
  return detail ? `${sentence} (${detail})` : sentence
}
