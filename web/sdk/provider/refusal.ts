import type { ProviderErrorCode } from '../types/imkey'
import type { Failure } from './errors'

/**
 * Refusal is an error of the engine. provider.ts makes a ProviderRpcError of it. The message says what happened and what to do next.
 * Only the message of badParams just says what is wrong; imkey.js adds the sentence.
 */
export class Refusal extends Error {
  readonly rpc: Failure

  constructor(code: number, message: string, reason: ProviderErrorCode, retryable = false, cause?: unknown) {
    super(message, { cause })
    this.rpc = { code, reason: { code: reason, retryable } }
  }
}

export const badParams = (message: string) => new Refusal(-32602, message, 'invalid-argument')
export const unauthorized = (message: string, cause?: unknown) => new Refusal(4100, message, 'invalid-argument', false, cause)
export const unknownMethod = (method: string) => new Refusal(4200, `There is no method ${method} here. Use another one.`, 'unsupported-method')
export const wrongChain = (message: string) => new Refusal(4901, message, 'invalid-argument')
export const givenUp = (signal?: AbortSignal) =>
  new Refusal(-32603, 'The page gave this up before it was done. Try again when you are ready.', 'aborted', true, signal?.reason)

/** NodeError is an error of a node, which is passed on unchanged. */
export class NodeError extends Error {
  readonly rpc: Failure
  /** after is why an earlier node did not answer. That node may still have carried out the request. */
  readonly after: Refusal | undefined

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }, after?: Refusal) {
    super(message)
    this.rpc = { code, ...(data !== undefined && { data }) }
    this.after = after
  }
}
