import { ImKeyError } from '../sdk/errors'
import type { ErrorCode, ProviderErrorCode } from '../sdk/types/imkey'

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
}

/**
 * Failure is how the provider's lazily loaded part says what to reject with. It shares no class with imkey.js, which would
 * make two downloads of it, so its errors carry this as their `rpc`.
 */
export interface Failure {
  code: number
  /** A Reason, or what a node gave. */
  data?: unknown
}

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
  'invalid-argument': -32602,
}

/** rpcError turns whatever was thrown into what request rejects with. */
export function rpcError(thrown: unknown): ProviderRpcError {
  if (thrown instanceof ProviderRpcError) return thrown
  if (thrown instanceof ImKeyError) {
    const { code, message, retryable, statusWord } = thrown
    const data: Reason = { code, ...(statusWord !== undefined && { statusWord }), retryable }
    return new ProviderRpcError(codes[code] ?? -32603, message, data, thrown)
  }
  const { rpc, message, cause } = Object(thrown) as { rpc?: Failure; message?: unknown; cause?: unknown }
  if (rpc) return new ProviderRpcError(rpc.code, String(message), rpc.data, cause)
  return refusal(-32603, `unexpected: ${String(message ?? thrown)}`, 'internal', false, thrown)
}

export function refusal(code: number, message: string, reason: ErrorCode, retryable = false, cause?: unknown): ProviderRpcError {
  return new ProviderRpcError(code, message, { code: reason, retryable } satisfies Reason, cause)
}
