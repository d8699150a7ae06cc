import { worded } from './sentences'
import type { ErrorCode, ErrorDetails } from '../types/imkey'

export class ImKeyError extends Error {
  declare readonly name: 'ImKeyError'
  readonly code: ErrorCode
  declare readonly statusWord?: number
  readonly retryable: boolean
  declare readonly data?: Readonly<Record<string, unknown>>

  static {
    // On the prototype, as in Error, so that it is not an own field, and explicit, so that minifying does not change it.
    Object.defineProperty(this.prototype, 'name', { value: 'ImKeyError', writable: true, configurable: true })
  }

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.retryable = details.retryable ?? false
    if (details.statusWord !== undefined) this.statusWord = details.statusWord
    if (details.data !== undefined) this.data = details.data
  }
}

/** failure makes an error whose message begins with the sentence for its code. detail is for developers. */
export const failure = (code: ErrorCode, detail: string, details: ErrorDetails = {}) =>
  new ImKeyError(code, worded(code, detail, details.data), details)

export const invalid = (detail: string) => failure('invalid-argument', detail)

export const aborted = (signal: AbortSignal) =>
  failure('aborted', 'the caller aborted the request', { retryable: true, cause: signal.reason })

/**
 * fromWebUSB turns an error of the browser's getDevices or requestDevice into one with a code. inClick says whether the page was called
 * in answer to a click or a key, if the browser tells.
 */
export function fromWebUSB(thrown: unknown, inClick: boolean | undefined): ImKeyError {
  if (thrown instanceof ImKeyError) return thrown
  const { name, message } = Object(thrown) as { name?: unknown; message?: unknown }
  const details = { retryable: true, cause: thrown }
  switch (name) {
    case 'NotFoundError':
      return failure('request-cancelled', 'the chooser was closed without a choice', details)
    case 'SecurityError':
      return inClick === false
        ? failure(
            'permission-denied',
            'browsers show the chooser only in answer to a click or a key: call requestDevice directly in its handler',
            { ...details, data: { reason: 'user-activation' } },
          )
        : failure('permission-denied', 'this page may not use USB: its frame needs allow="usb", and no Permissions-Policy may forbid it', {
            ...details,
            ...(inClick && { data: { reason: 'permissions-policy' } }),
          })
    case 'NotAllowedError':
      return failure('permission-denied', 'the browser does not let this page use USB', details)
    case 'AbortError':
      return failure('aborted', 'the browser aborted the request', details)
  }
  return failure('internal', `the browser's WebUSB failed: ${String(message ?? thrown)}`, { cause: thrown })
}
