import { abortedByCaller, Refusal } from '../provider/refusal'
import { answersTooMuch, type Reads, textOf } from '../provider/rpc'
import type { BitcoinNode } from '../types/bitcoin'

const failed = (message: string) => new Refusal(-32603, message, 'internal', true)

/** Asking is how a node is asked. */
export interface Asking {
  readonly init?: Omit<RequestInit, 'signal'>
  /** How long an answer may take, in milliseconds. Without it, as long as the browser waits. */
  readonly timeout?: number
  /** Ends what is asked. */
  readonly signal?: AbortSignal
  /** Notes how much of the answers is read. Without it, only each answer is bounded. */
  readonly reads?: Reads
}

/**
 * esplora is a node with the API of Esplora, which mempool.space and Blockstream have. It hears the addresses that it is asked about. An
 * answer that does not arrive whole is -32603 with the reason `node-unreachable` or `timeout`.
 */
export function esplora(url: string, { init, timeout, signal, reads }: Asking = {}): BitcoinNode {
  const base = url.replace(/\/$/, '')
  /** asked resolves to the text of an answer, which has at most 8 MB. */
  const asked = async (path: string, own: RequestInit = {}): Promise<string> => {
    const over = new AbortController()
    const limit = timeout === undefined ? undefined : AbortSignal.timeout(timeout)
    const reading = reads?.(() => over.abort())
    try {
      const until = AbortSignal.any([over.signal, limit, signal].filter((one) => one !== undefined))
      const response = await fetch(base + path, { ...init, ...own, signal: until })
      if (!response.ok) {
        over.abort() // the rest of it is not read
        throw failed(`The node for Bitcoin answered ${response.status}.`)
      }
      const text = await textOf(response, (bytes) => reading?.grow(bytes))
      if (text === undefined) throw failed('The node for Bitcoin answered too much.')
      return text
    } catch (cause) {
      if (cause instanceof Refusal) throw cause
      if (signal?.aborted) throw abortedByCaller(signal)
      if (over.signal.aborted) throw answersTooMuch()
      throw limit?.aborted
        ? new Refusal(-32603, `The node for Bitcoin did not answer within ${timeout! / 1000} seconds.`, 'timeout', true, cause)
        : new Refusal(-32603, 'The node for Bitcoin cannot be reached.', 'node-unreachable', true, cause)
    } finally {
      reading?.leave()
    }
  }
  const json = async (path: string): Promise<unknown> => {
    try {
      return JSON.parse(await asked(path)) as unknown
    } catch (thrown) {
      throw thrown instanceof Refusal ? thrown : failed('The node for Bitcoin did not answer in JSON.')
    }
  }
  return {
    utxos: async (address) => readOutputs(await json(`/address/${address}/utxo`)),
    transaction: (txid) => asked(`/tx/${txid}/hex`),
    async feeRate() {
      const rates = Object(await json('/fee-estimates')) as Record<string, unknown>
      const rate = rates['6'] ?? rates['144'] ?? 1
      if (typeof rate !== 'number' || !(rate > 0)) throw failed('The node for Bitcoin did not answer with a fee.')
      return rate
    },
    broadcast: (body) => asked('/tx', { method: 'POST', body }),
  }
}

/** readOutputs reads the outputs of an address. */
function readOutputs(value: unknown): Awaited<ReturnType<BitcoinNode['utxos']>> {
  const list: readonly unknown[] = Array.isArray(value) ? value : [undefined]
  return list.map((one) => {
    const { txid, vout, value } = Object(one) as { txid?: unknown; vout?: unknown; value?: unknown }
    const whole = [vout, value].every((n) => Number.isSafeInteger(n) && (n as number) >= 0)
    if (typeof txid !== 'string' || !/^[\da-f]{64}$/.test(txid) || !whole) throw failed('The node for Bitcoin did not answer with outputs.')
    return { txid, vout: vout as number, value: value as number }
  })
}
