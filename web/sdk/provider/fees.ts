import type { TransactionRequest } from '../types/imkey'
import { hex } from './hex'
import { badParams, NodeError } from './refusal'
import { numberOf, quantityOf } from './rpc'
import type { Wanted } from './wanted'

/** Asked sends a request to the one node that a transaction is completed with. */
export type Asked = (method: string, params?: unknown[]) => Promise<unknown>

type Fees = Pick<TransactionRequest, 'type' | 'gasPrice' | 'maxFeePerGas' | 'maxPriorityFeePerGas'>

/** price gives the type of a transaction and its prices, of which it keeps those that the dApp named. */
export async function price(tx: Wanted, asked: Asked): Promise<Fees> {
  const legacy = async (type: number): Promise<Fees> => ({
    type: hex(type),
    gasPrice: tx.gasPrice ?? hex(feeOf(await asked('eth_gasPrice'), 'gas price') ?? quantityOf(null, 'gas price', 0)),
  })
  if (tx.type === 0 || tx.type === 1) return legacy(tx.type)
  const dynamic = (maxFeePerGas: bigint, maxPriorityFeePerGas: bigint): Fees => ({
    type: hex(tx.type ?? 2),
    maxFeePerGas: hex(maxFeePerGas),
    maxPriorityFeePerGas: hex(maxPriorityFeePerGas),
  })

  const most = tx.maxFeePerGas === undefined ? undefined : BigInt(tx.maxFeePerGas)
  const asksTip = tx.maxPriorityFeePerGas === undefined ? undefined : BigInt(tx.maxPriorityFeePerGas)
  if (most !== undefined && asksTip !== undefined) return dynamic(most, asksTip)

  const market = await feeMarket(asked)
  if (!market) {
    if (tx.type !== undefined) throw badParams(`this chain has no base fee: it takes no transactions of type ${tx.type}, use gasPrice`)
    // The device signs type 1 without showing what it does. That is the dApp's decision, not the node's.
    if (tx.accessList) throw badParams('this chain has no base fee: name the type of a transaction with an accessList, which is 1')
    return legacy(0)
  }
  const tip = asksTip ?? market.tip
  if (most !== undefined) return dynamic(most, tip < most ? tip : most)
  return dynamic(2n * market.baseFee + tip, tip) // enough for six full blocks in a row
}

/**
 * feeMarket gives the next block's base fee and a priority fee; undefined if the chain has no base fee. No single hint is enough: the
 * rewards of a quiet chain are 0 or far below what its nodes take, and many nodes lack one of the methods.
 */
async function feeMarket(asked: Asked): Promise<{ baseFee: bigint; tip: bigint } | undefined> {
  const tip = (n: unknown) => feeOf(n, 'priority fee')
  const [{ baseFee: next, paid }, suggested] = await Promise.all([
    asked('eth_feeHistory', ['0xa', 'latest', [50]])
      .catch(refusedHint)
      .then(readHistory),
    asked('eth_maxPriorityFeePerGas').catch(refusedHint).then(tip),
  ])
  let baseFee = next
  if (!baseFee) {
    // the chain has none, it is 0, or this node does not report it here: the block says which
    const block = await asked('eth_getBlockByNumber', ['latest', false])
    baseFee = feeOf((Object(block) as { baseFeePerGas?: unknown }).baseFeePerGas, 'base fee')
    if (baseFee === undefined) return undefined
  }
  const known = highest(paid, suggested)
  if (baseFee > 0n && known > 0n) return { baseFee, tip: known }
  // The gas price is the base fee and a priority fee together. If the base fee is 0, it is all priority fee.
  const gasPrice = feeOf(await asked('eth_gasPrice').catch(refusedHint), 'gas price') ?? 0n
  return { baseFee, tip: highest(known, gasPrice - baseFee, baseFee / 10n) }
}

const highest = (...fees: (bigint | undefined)[]) => fees.reduce<bigint>((most, fee) => (fee !== undefined && fee > most ? fee : most), 0n)

/** readHistory takes the base fee and the median of the priority fees that were paid, at once: a node's answer is not kept while another is asked. */
function readHistory(history: unknown): { baseFee: bigint | undefined; paid: bigint | undefined } {
  const { baseFeePerGas: base, reward } = Object(history) as { baseFeePerGas?: unknown; reward?: unknown }
  const paid = (Array.isArray(reward) ? reward : [])
    .flatMap((block: unknown) => (Array.isArray(block) ? block : []))
    .map((paid) => feeOf(paid, 'priority fee') ?? 0n)
    .filter((paid) => paid > 0n)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return { baseFee: feeOf(Array.isArray(base) ? base.at(-1) : undefined, 'base fee'), paid: paid[paid.length >> 1] }
}

/** feeOf reads a fee from a node's answer. A node that does not know gives null or nothing. */
const feeOf = (value: unknown, name: string) => (value === undefined || value === null ? undefined : numberOf(value, name, 128))

/**
 * refusedHint stands for the answer of a node that does not know a method or a tag. Nodes say that in many ways, some by codes of
 * trouble. A node that refuses to answer at all ends the completion with it.
 */
export function refusedHint(thrown: unknown): undefined {
  if (!(thrown instanceof NodeError) || !thrown.taken) throw thrown
}
