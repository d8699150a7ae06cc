import type { ErrorCode } from '../types/imkey'
import { sentences } from './sentences.gen'

/** worded is an error's message: what a user reads, and in parentheses what a developer wants to know besides. */
export function worded(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>): string {
  const sentence = sentences[`${code}/${String(data?.['reason'])}`] ?? sentences[code]
  return detail ? `${sentence} (${detail})` : sentence
}
