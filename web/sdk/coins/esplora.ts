import { Refusal } from '../provider/refusal'
import { textOf } from '../provider/rpc'
import type { BitcoinNode } from '../types/bitcoin'

const failed = (message: string) => new Refusal(-32603, message, 'internal', true)

/**
 * esplora is a node with the API of Esplora, which mempool.space and Blockstream have. It hears the addresses that it is asked about. init
 * is how each request is made.
 */
export function esplora(url: string, init: () => RequestInit = () => ({})): BitcoinNode {
  const base = url.replace(/\/$/, '')
  /** asked resolves to the text of an answer, which has at most 8 MB. */
  const asked = async (path: string, own: RequestInit = {}): Promise<string> => {
    const failing = () => failed('The node for Bitcoin cannot be reached.')
    const response = await fetch(base + path, { ...init(), ...own }).catch((cause: unknown) => {
      throw Object.assign(failing(), { cause })
    })
    if (!response.ok) throw failed(`The node for Bitcoin answered ${response.status}.`)
    const text = await textOf(response, () => {})
    if (text === undefined) throw failed('The node for Bitcoin answered too much.')
    return text
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
