import { ImKeyError } from '../client/errors'
import { worded } from '../client/sentences'
import type { ErrorCode, ProviderErrorCode } from '../types/imkey'

export class ProviderRpcError extends Error {
  declare readonly name: 'ProviderRpcError'
  readonly code: number
  declare readonly data?: any

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
  code: number
  /** The reason of the provider's own error. Without it, code, message and data are a node's. */
  reason?: Reason
  data?: unknown
}

const badParams = -32602

// Every other code is -32603, the internal error of EIP-1474, with the reason in its data.
const codes: Partial<Record<ErrorCode, number>> = {
  'user-rejected': 4001,
  'request-cancelled': 4001,
  'not-bound': 4100,
  'bound-elsewhere': 4100,
  'untrusted-device': 4100,
  'device-mismatch': 4100,
  'permission-denied': 4100,
  'unsupported-method': 4200,
  'no-device': 4900,
  'device-disconnected': 4900,
  'device-busy': -32002,
  'in-use-elsewhere': -32002,
  'invalid-argument': badParams,
}

/** rpcError turns anything that was thrown into the error with which request rejects. */
export function rpcError(thrown: unknown): ProviderRpcError {
  if (thrown instanceof ProviderRpcError) return thrown
  if (thrown instanceof ImKeyError) {
    const { code, message, retryable, statusWord, data: facts } = thrown
    const data: Reason = { ...facts, code, ...(statusWord !== undefined && { statusWord }), retryable }
    return new ProviderRpcError(codes[code] ?? -32603, message, data, thrown)
  }
  const { rpc, message, cause } = Object(thrown) as { rpc?: Failure; message?: unknown; cause?: unknown }
  if (rpc?.reason) {
    const text = rpc.code === badParams ? worded('invalid-argument', String(message)) : String(message)
    return new ProviderRpcError(rpc.code, text, rpc.reason, cause)
  }
  if (rpc) return new ProviderRpcError(rpc.code, String(message), rpc.data, cause)
  return refusal(-32603, worded('internal', `unexpected: ${String(message ?? thrown)}`), 'internal', false, thrown)
}

export function refusal(code: number, message: string, reason: ErrorCode, retryable = false, cause?: unknown): ProviderRpcError {
  return new ProviderRpcError(code, message, { code: reason, retryable } satisfies Reason, cause)
}
