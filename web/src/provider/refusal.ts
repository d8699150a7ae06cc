import type { ProviderErrorCode } from '../sdk/types/imkey'
import type { Failure, Reason } from './errors'

/** Refusal is an error of the engine; provider.ts makes a ProviderRpcError of it. */
export class Refusal extends Error {
  readonly rpc: Failure

  constructor(code: number, message: string, reason: ProviderErrorCode, retryable = false, cause?: unknown) {
    super(message, { cause })
    this.rpc = { code, data: { code: reason, retryable } satisfies Reason }
  }
}

export const badParams = (message: string) => new Refusal(-32602, message, 'invalid-argument')
export const unauthorized = (message: string, cause?: unknown) => new Refusal(4100, message, 'invalid-argument', false, cause)
export const unknownMethod = (method: string) => new Refusal(4200, `there is no method ${method} here`, 'unsupported-method')
export const wrongChain = (message: string) => new Refusal(4901, message, 'invalid-argument')

/** NodeError is a node's own error, passed through as it is. */
export class NodeError extends Error {
  readonly rpc: Failure
  /** after is why an earlier node did not answer. It may have done what it was asked all the same. */
  readonly after: Refusal | undefined

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }, after?: Refusal) {
    super(message)
    this.rpc = { code, ...(data !== undefined && { data }) }
    this.after = after
  }
}
