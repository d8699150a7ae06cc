import { known, type ErrorCode } from '../words/codes'

/** Refused is a failure found here rather than by the SDK. */
export class Refused extends Error {
  constructor(readonly code: ErrorCode) {
    super(code)
  }
}

/** codeOf gives the code of an error of ours; anything else is a fault of ours. */
export function codeOf(error: unknown, otherwise: ErrorCode = 'internal'): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code
  return known(code) ? code : otherwise
}

export function statusWordOf(error: unknown): number | undefined {
  const word = (error as { statusWord?: unknown } | null)?.statusWord
  return typeof word === 'number' ? word : undefined
}

/** dataOf gives one of the facts that an error has for programs. */
export function dataOf(error: unknown, name: string): unknown {
  return (error as { data?: Readonly<Record<string, unknown>> } | null)?.data?.[name]
}
