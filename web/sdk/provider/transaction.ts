import type { TransactionRequest } from '../types/imkey'
import type { Chain } from './chain'
import { price } from './fees'
import { hex, plain } from './hex'
import { type Counts, transactionCounts } from './nonce'
import { badNode, Refusal } from './refusal'
import { type Node, numberOf } from './rpc'
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
