import { worded } from '../client/sentences'
import { internalError, numbers } from './numbers.gen'
import type { ErrorCode, ImKeyError, ProviderErrorCode } from '../types/imkey'

export class ProviderRpcError extends Error {
  declare readonly name: 'ProviderRpcError'
  readonly code: number
  declare readonly data?: unknown

  static {
    Object.defineProperty(this.prototype, 'name', { value: 'ProviderRpcError', writable: true, configurable: true })
  }

  constructor(code: number, message: string, data?: unknown, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    if (data !== undefined) this.data = data
  }
}

/** Reason is the data of the provider's own errors. */
export interface Reason {
  code: ProviderErrorCode
  statusWord?: number
  retryable: boolean
  /** Other fields of the ImKeyError's data, such as its reason. */
  [fact: string]: unknown
}

/**
 * Failure describes the rejection of a request. The engine's errors carry it as `rpc`: the engine is loaded on demand and shares no class
 * with imkey.js, because shared code would split imkey.js in two.
 */
export interface Failure {
  /** Without it, the number and the sentences are those of the catalogue for the reason, and the message is for developers. */
  code?: number
  /** The reason of the provider's own error. Without it, code, message and data are a node's. */
  reason?: Reason
  data?: unknown
}

/** rpcError turns anything that was thrown into the error with which request rejects. */
export function rpcError(thrown: unknown): ProviderRpcError {
  if (thrown instanceof ProviderRpcError) return thrown
  if (isImKeyError(thrown)) {
    const { code, message, retryable, statusWord, data: facts } = thrown
    const data: Reason = { ...facts, code, ...(statusWord !== undefined && { statusWord }), retryable }
    return new ProviderRpcError(numbers[code] ?? internalError, message, data, thrown)
  }
  const { rpc, message, cause } = Object(thrown) as { rpc?: Failure; message?: unknown; cause?: unknown }
  if (rpc?.code !== undefined) return new ProviderRpcError(rpc.code, String(message), rpc.reason ?? rpc.data, cause)
  if (rpc?.reason) {
    const code = rpc.reason.code as ErrorCode
    return new ProviderRpcError(numbers[code] ?? internalError, worded(code, String(message), rpc.reason), rpc.reason, cause)
  }
  return refusal(internalError, worded('internal', `unexpected: ${String(message ?? thrown)}`), 'internal', false, thrown)
}

/** isImKeyError tells by the name: the class of imkey.js is another one where this module was bundled into another file. */
const isImKeyError = (thrown: unknown): thrown is ImKeyError => (Object(thrown) as Error).name === 'ImKeyError'

export function refusal(code: number, message: string, reason: ErrorCode, retryable = false, cause?: unknown): ProviderRpcError {
  return new ProviderRpcError(code, message, { code: reason, retryable } satisfies Reason, cause)
}
