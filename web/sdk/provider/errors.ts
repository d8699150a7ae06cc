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

/** Reason is what the data of the provider's own errors holds. */
export interface Reason {
  code: ProviderErrorCode
  statusWord?: number
  retryable: boolean
  /** What else the data of an ImKeyError held, such as its reason. */
  [fact: string]: unknown
}

/**
 * Failure is how the provider's lazily loaded part says what to reject with. It shares no class with imkey.js, which would
 * make two downloads of it, so its errors carry this as their `rpc`.
 */
export interface Failure {
  code: number
  /** Of the provider's own. Without it, code, message and data are a node's. */
  reason?: Reason
  data?: unknown
}

const badParams = -32602

// Everything else is -32603, an internal error to EIP-1474, with the reason in its data.
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

/** rpcError turns whatever was thrown into what request rejects with. */
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
