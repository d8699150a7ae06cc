import type { ErrorCode } from 'imkey-connect'

/** known reports whether a value has the form of an error code. */
export function known(code: unknown): code is ErrorCode {
  return typeof code === 'string' && /^[a-z]+(-[a-z]+)*$/.test(code)
}

/** Refused is an error with a code that comes from the page and not from the SDK. */
export class Refused extends Error {
  constructor(readonly code: ErrorCode) {
    super(code)
  }
}

/** codeOf returns the code of an error. An error without a known code has the code `otherwise`. */
export function codeOf(error: unknown, otherwise: ErrorCode = 'internal'): ErrorCode {
  const code = (error as { code?: unknown } | null)?.code
  return known(code) ? code : otherwise
}

/** statusWordOf returns the device's status word of an error, if it has one. */
export function statusWordOf(error: unknown): number | undefined {
  const word = (error as { statusWord?: unknown } | null)?.statusWord
  return typeof word === 'number' ? word : undefined
}

/** reasonOf gives the data.reason of an error as a part of a state, or nothing. It decides between the sentences for the code. */
export function reasonOf(error: unknown): { readonly reason?: string } {
  const reason = dataOf(error, 'reason')
  return typeof reason === 'string' ? { reason } : {}
}

/** dataOf returns one value of an error's `data`. */
export function dataOf(error: unknown, name: string): unknown {
  return (error as { data?: Readonly<Record<string, unknown>> } | null)?.data?.[name]
}
