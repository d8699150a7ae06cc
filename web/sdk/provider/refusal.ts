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
export const unknownMethod = (method: string, reason?: string) =>
  new Refusal(
    4200,
    `The method ${method} does not exist / is not available. Use another method.`,
    'unsupported-method',
    false,
    undefined,
    reason === undefined ? undefined : { reason },
  )

export const wrongChain = (message: string) => new Refusal(4901, message, 'invalid-argument')

/** badNode is the refusal of an answer that no node should give. detail is for developers. */
export const badNode = (what: string, retryable = false, detail = '') =>
  Object.assign(
    new Refusal(-32603, `${what} The operator of this page can set another node.${detail && ` (${detail})`}`, 'protocol', retryable),
    { next: true },
  )

export const abortedByCaller = (signal?: AbortSignal) =>
  coded('aborted', 'the caller aborted the request', { retryable: true, cause: signal?.reason })

/**
 * The codes by which wallets report what the user or the wallet decided (EIP-1193, EIP-3326, EIP-5792, CAIP-25). A node
 * decides nothing of that, and clients would believe it.
 */
const ofWallets = new Set([4001, 4100, 4200, 4900, 4901, 4902, 5000, 5700, 5710, 5720, 5730, 5740, 5750, 5760])

/** NodeError is an error of a node. It is passed on unchanged, unless it has the code of a wallet: then it is -32603, and in `data.error`. */
export class NodeError extends Error {
  readonly rpc: Failure
  /** Whether the error is about the node, so that another node may do better. Otherwise it is about the request. */
  next = false
  /** Whether the node may have carried out the request all the same. */
  taken = true
  /** The error of an earlier node that may have carried out the request. */
  after: Refusal | NodeError | undefined

  constructor({ code, message, data }: { code: number; message: string; data?: unknown }) {
    const foreign = ofWallets.has(code)
    super(foreign ? `The node answered with the code ${code} of a wallet: ${message}` : message)
    const given = data === undefined ? {} : { data }
    this.rpc = foreign
      ? { code: -32603, reason: { code: 'protocol', retryable: false, error: { code, message, ...given } } }
      : { code, ...given }
  }
}
