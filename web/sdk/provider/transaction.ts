import type { TransactionRequest } from '../types/imkey'
import type { Chain } from './chain'
import { type Asked, price, refusedHint } from './fees'
import { hex, plain } from './hex'
import { type Counts, transactionCounts } from './nonce'
import { badNode, Refusal } from './refusal'
import { isRpcError, type Node, nodeError, numberOf } from './rpc'
import type { Wanted } from './wanted'

/**
 * complete adds the fields that the dApp left out. All of them come from one node, which confirms its chain first. A node can lie about
 * prices and gas, so the chain's maxFee limits the fee: see bounded. nextNonce chooses the nonce by the node's counts.
 */
export async function complete(
  wanted: Wanted,
  from: string,
  chain: Chain,
  node: Node,
  nextNonce: (counts: Counts) => Promise<number>,
  signal?: AbortSignal,
): Promise<TransactionRequest> {
  await node.confirm(signal, true)
  const asked = (method: string, params: unknown[] = []) => node.ask(method, params, signal)
  const call = callOf(wanted, from)
  const [counts, gas, fees] = await Promise.all([
    wanted.nonce === undefined && transactionCounts(from, asked),
    wanted.gas ?? asked('eth_estimateGas', [call]).then((n) => hex(withHeadRoom(numberOf(n, 'gas estimate', 53)))),
    price(wanted, asked),
  ])
  const transaction = plain({ ...call, chainId: hex(chain.id), gas, ...fees })
  const own = wanted.gas !== undefined && (wanted.gasPrice ?? wanted.maxFeePerGas) !== undefined
  if (!own) bounded(transaction, chain)
  return plain({ ...transaction, nonce: counts ? hex(await nextNonce(counts)) : wanted.nonce! })
}

/**
 * completeCalls completes calls that follow one another as transactions of one account. It gives as many from the first on as the node
 * can complete now: a node that cannot simulate several calls does not know what a later one needs before the earlier ones are in a
 * block. It rejects if it is known that one of them would fail.
 */
export async function completeCalls(
  calls: readonly Wanted[],
  from: string,
  chain: Chain,
  node: Node,
  nextNonce: (counts: Counts) => Promise<number>,
  signal?: AbortSignal,
): Promise<TransactionRequest[]> {
  await node.confirm(signal, true)
  const asked = (method: string, params: unknown[] = []) => node.ask(method, params, signal)
  const bare = calls.map((wanted) => callOf(wanted, from))
  const [counts, gas, fees] = await Promise.all([transactionCounts(from, asked), gasOfCalls(bare, asked), price(calls[0]!, asked)])
  const nonce = await nextNonce(counts)
  return gas.map((gas, i) => {
    const transaction = plain({ ...bare[i], chainId: hex(chain.id), gas, ...fees, nonce: hex(nonce + i) })
    bounded(transaction, chain)
    return transaction
  })
}

/** gasOfCalls gives the gas of each call from the first on, as far as the node can say it. */
async function gasOfCalls(calls: readonly TransactionRequest[], asked: Asked): Promise<string[]> {
  const estimate = async (call: TransactionRequest) =>
    hex(withHeadRoom(numberOf(await asked('eth_estimateGas', [call]), 'gas estimate', 53)))
  const [first, ...others] = calls
  const [gas, simulated] = await Promise.all([estimate(first!), others.length > 0 ? simulate(calls, asked) : []])
  if (simulated) return [gas, ...simulated.slice(1)]
  const all = [gas]
  for (const call of others) {
    const next = await estimate(call).catch(refusedHint)
    if (next === undefined) break
    all.push(next)
  }
  return all
}

/**
 * simulate lets the node carry out calls one after another (eth_simulateV1), and gives the gas of each. It gives undefined if the node
 * cannot, and throws the error of a call that fails.
 */
async function simulate(calls: readonly TransactionRequest[], asked: Asked): Promise<string[] | undefined> {
  const answer = await asked('eth_simulateV1', [{ blockStateCalls: [{ calls }] }, 'latest']).catch(refusedHint)
  const blocks = Array.isArray(answer) ? (answer as unknown[]) : []
  const { calls: results } = Object(blocks[0]) as { calls?: unknown }
  if (!Array.isArray(results) || results.length !== calls.length) return undefined
  return results.map((result: unknown, i) => {
    const { status, gasUsed, error } = Object(result) as { status?: unknown; gasUsed?: unknown; error?: unknown }
    if (status !== '0x1') throw nodeError(isRpcError(error) ? error : { code: 3, message: 'execution reverted' })
    const used = numberOf(gasUsed, 'gas of a call', 53)
    if (used < transfer) throw badNode('The node gave an impossible gas estimate.')
    // What a call used does not say how much it had to have: refunds, and the part that a call of a contract may not use.
    return hex(calls[i]!.data === '0x' && used === transfer ? used : (used * 3n) / 2n)
  })
}

/** completed gives a transaction of which the dApp left nothing out, so that no node needs to be asked. Otherwise it gives undefined. */
export function completed(wanted: Wanted, from: string, chain: Chain): TransactionRequest | undefined {
  const { type, nonce, gas, gasPrice, maxFeePerGas, maxPriorityFeePerGas } = wanted
  if (type === undefined || nonce === undefined || gas === undefined) return undefined
  const fees = type < 2 ? { gasPrice } : { maxFeePerGas, maxPriorityFeePerGas }
  if (Object.values(fees).includes(undefined)) return undefined
  return plain({ ...callOf(wanted, from), chainId: hex(chain.id), nonce, gas, type: hex(type), ...fees })
}

/** callOf gives the fields that a gas estimate is for. */
function callOf({ to, value, data, accessList, authorizationList }: Wanted, from: string): TransactionRequest {
  return { from, ...(to && { to }), value, data, ...(accessList && { accessList }), ...(authorizationList && { authorizationList }) }
}

/** The default limit of go-ethereum for what its node signs itself (--rpc.txfeecap). */
const oneCoin = 10n ** 18n

/** bounded refuses a fee above the chain's maxFee if a node chose gas or price. Without a maxFee the limit is one coin. */
function bounded({ gas, gasPrice, maxFeePerGas }: TransactionRequest, { maxFee: most = oneCoin, nativeCurrency }: Chain) {
  const fee = BigInt(gas!) * BigInt((gasPrice ?? maxFeePerGas)!)
  if (fee <= most) return
  const coins = (units: bigint) => {
    const digits = units.toString().padStart(nativeCurrency.decimals + 1, '0')
    const point = digits.length - nativeCurrency.decimals
    return `${`${digits.slice(0, point)}.${digits.slice(point)}`.replace(/\.?0*$/, '')} ${nativeCurrency.symbol}`
  }
  const refused = new Refusal(
    -32603,
    `With the node's figures the fee could reach ${coins(fee)}, more than ${coins(most)}, so nothing was signed. ` +
      'If that is intended, give the transaction its gas and price, or the chain a higher maxFee.',
    'protocol',
  )
  throw Object.assign(refused, { next: true })
}

/** The gas of a plain transfer. */
const transfer = 21_000n

/** withHeadRoom adds a quarter: a contract may need more gas when the transaction is mined than now. */
function withHeadRoom(estimate: bigint): bigint {
  if (estimate < transfer) throw badNode('The node gave an impossible gas estimate.')
  return estimate === transfer ? estimate : (estimate * 5n) / 4n
}
