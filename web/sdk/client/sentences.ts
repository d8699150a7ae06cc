import type { ErrorCode } from '../types/imkey'
import { sentences } from './sentences.gen'

/** worded makes an error's message: the sentences for the user, and details for a developer in parentheses. */
export function worded(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>): string {
  const sentence = sentences[`${code}/${String(data?.['reason'])}`] ?? sentences[code]
  return detail ? `${sentence} (${detail})` : sentence
}
