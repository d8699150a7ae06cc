import type { ErrorCode, ErrorDetails, ProviderErrorCode } from '../types/imkey'
import type { Failure } from './errors'

/**
 * Refusal is an error of the engine. rpcError makes a ProviderRpcError of it. Its message says what happened and what to do next;
 * without a number, the catalogue says that, and the message is for developers.
 */
export class Refusal extends Error {
  readonly rpc: Failure
  /** Whether the error is about a node, so that another node may do better. */
  next = false
  /** Whether the node may have carried out the request all the same. */
  taken = false
  /** The error of an earlier node that may have carried out the request. */
  after: Refusal | NodeError | undefined

  constructor(number: number | undefined, message: string, code: ProviderErrorCode, retryable = false, cause?: unknown, facts?: object) {
    super(message, { cause })
    this.rpc = { ...(number !== undefined && { code: number }), reason: { ...facts, code, retryable } }
  }
}

/** coded is an error with the number and the sentences of the catalogue, which imkey.js has. */
export const coded = (
  code: ErrorCode,
  detail: string,
  { retryable = false, cause, data }: ErrorDetails & { data?: { reason: string } } = {},
) => new Refusal(undefined, detail, code, retryable, cause, data)

export const badParams = (detail: string) => coded('invalid-argument', detail)
export const unauthorized = (message: string, cause?: unknown) => new Refusal(4100, message, 'invalid-argument', false, cause)

/**
 * unknownMethod is 4200, as EIP-1193 says. viem and ethers know that number only from other wallets' words for it, so the message has
 * those: viem's sendCalls falls back to eth_sendTransaction, and ethers throws UNSUPPORTED_OPERATION.
 */
export const unknownMethod = (method: string) =>
  new Refusal(4200, `The method ${method} does not exist / is not available. Use another method.`, 'unsupported-method')

export const wrongChain = (message: string) => new Refusal(4901, message, 'invalid-argument')

/** badNode is the refusal of an answer that no node should give. detail is for developers. */
export const badNode = (what: string, retryable = false, detail = '') =>
  Object.assign(
    new Refusal(-32603, `${what} The operator of this page can set another node.${detail && ` (${detail})`}`, 'protocol', retryable),
    { next: true },
  )

export const abortedByCaller = (signal?: AbortSignal) =>
  coded('aborted', 'the caller aborted the request', { retryable: true, cause: signal?.reason })

/** NodeError is an error of a node, which is passed on unchanged. */
export class NodeError extends Error {
  readonly rpc: Failure
  /** Whether the error is about the node, so that another node may do better. Otherwise it is about the request. */
  next = false
  /** Whether the node may have carried out the request all the same. */
  taken = true
  /** The error of an earlier node that may have carried out the request. */
  after: Refusal | NodeError | undefined

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }) {
    super(message)
    this.rpc = { code, ...(data !== undefined && { data }) }
  }
}
