import type { TransactionRequest } from '../types/imkey'
import type { Chain } from './chain'
import { hex } from './hex'
import { badNode, badParams, NodeError, Refusal, wrongChain } from './refusal'
import { type Ask, quantityOf } from './rpc'
import type { Wanted } from './wanted'

/**
 * complete adds the fields that the dApp left out, after the node confirmed its chain. A node can lie about prices and gas, so the
 * chain's maxFee limits the fee: see bounded.
 */
export async function complete(wanted: Wanted, from: string, chain: Chain, ask: Ask, signal?: AbortSignal): Promise<TransactionRequest> {
  const asked = (method: string, params: unknown[] = []) => ask(method, params, signal)
  const node = quantityOf(await asked('eth_chainId'), 'chain id', 256)
  if (node !== BigInt(chain.id))
    throw wrongChain(
      `The node is on chain ${node}, but chain ${chain.id} is selected, so nothing was signed. The operator of this page can set another node.`,
    )

  const { to, value, data, accessList, authorizationList } = wanted
  const call = { from, ...(to && { to }), value, data, ...(accessList && { accessList }), ...(authorizationList && { authorizationList }) }
  const [nonce, gas, fees] = await Promise.all([
    wanted.nonce ?? asked('eth_getTransactionCount', [from, 'pending']).then((n) => hex(quantityOf(n, 'nonce', 53))),
    wanted.gas ?? asked('eth_estimateGas', [call]).then((n) => hex(withHeadRoom(quantityOf(n, 'gas estimate', 53)))),
    price(wanted, asked),
  ])
  const transaction = { ...call, chainId: hex(chain.id), nonce, gas, ...fees }
  const own = wanted.gas !== undefined && (wanted.gasPrice ?? wanted.maxFeePerGas) !== undefined
  if (!own) bounded(transaction, chain)
  return transaction
}

/** The default limit of go-ethereum for what its node signs itself (--rpc.txfeecap). */
const oneCoin = 10n ** 18n

/**
 * bounded refuses a fee above the chain's maxFee if a node chose gas or price. Types 1 and 4 have a limit of one coin even if the chain
 * sets none, because the device signs them without showing the fee. It shows the fee of types 0 and 2.
 */
function bounded({ type, gas, gasPrice, maxFeePerGas }: TransactionRequest, { maxFee, nativeCurrency }: Chain) {
  const shown = type === hex(0) || type === hex(2)
  const most = maxFee ?? (shown ? undefined : oneCoin)
  const fee = BigInt(gas!) * BigInt((gasPrice ?? maxFeePerGas)!)
  if (most === undefined || fee <= most) return
  const coins = (units: bigint) => {
    const digits = units.toString().padStart(nativeCurrency.decimals + 1, '0')
    const point = digits.length - nativeCurrency.decimals
    return `${`${digits.slice(0, point)}.${digits.slice(point)}`.replace(/\.?0*$/, '')} ${nativeCurrency.symbol}`
  }
  throw new Refusal(
    -32603,
    `With the node's figures the fee could reach ${coins(fee)}, more than ${coins(most)}, so nothing was signed. ` +
      'If that is intended, give the transaction its gas and price, or the chain a higher maxFee.',
    'protocol',
  )
}

/** The gas of a plain transfer. */
const transfer = 21_000n

/** withHeadRoom adds a quarter: a contract may need more gas when the transaction is mined than now. */
function withHeadRoom(estimate: bigint): bigint {
  if (estimate < transfer) throw badNode('The node gave an impossible gas estimate.')
  return estimate === transfer ? estimate : (estimate * 5n) / 4n
}

type Asked = (method: string, params?: unknown[]) => Promise<unknown>
type Fees = Pick<TransactionRequest, 'type' | 'gasPrice' | 'maxFeePerGas' | 'maxPriorityFeePerGas'>

async function price(tx: Wanted, asked: Asked): Promise<Fees> {
  const legacy = async (type: number): Promise<Fees> => ({
    type: hex(type),
    gasPrice: tx.gasPrice ?? hex(quantityOf(await asked('eth_gasPrice'), 'gas price', 128)),
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
    return legacy(tx.accessList ? 1 : 0)
  }
  const tip = asksTip ?? market.tip
  if (most !== undefined) return dynamic(most, tip < most ? tip : most)
  return dynamic(2n * market.baseFee + tip, tip) // enough for six full blocks in a row
}

/** feeMarket gives the next block's base fee and recent priority fees; undefined if the chain has no base fee. */
async function feeMarket(asked: Asked): Promise<{ baseFee: bigint; tip: bigint } | undefined> {
  let history: { baseFeePerGas?: unknown; reward?: unknown }
  try {
    history = Object(await asked('eth_feeHistory', ['0xa', 'latest', [50]]))
  } catch (thrown) {
    if (!(thrown instanceof NodeError)) throw thrown
    history = {} // a node from before EIP-1559
  }
  const { baseFeePerGas: base, reward } = history
  let baseFee = Array.isArray(base) && base.length > 0 ? quantityOf(base.at(-1), 'base fee', 128) : 0n
  if (baseFee === 0n) {
    // the chain has none, it is 0, or this node does not report it here: the block says which
    const block = Object(await asked('eth_getBlockByNumber', ['latest', false])) as { baseFeePerGas?: unknown }
    if (block.baseFeePerGas === undefined || block.baseFeePerGas === null) return undefined
    baseFee = quantityOf(block.baseFeePerGas, 'base fee', 128)
  }
  const tips = (Array.isArray(reward) ? reward : [])
    .flatMap((block) => (Array.isArray(block) ? block : []))
    .map((paid) => quantityOf(paid, 'priority fee', 128))
    .filter((paid) => paid > 0n)
    .sort((a, b) => (a < b ? -1 : a > b ? 1 : 0))
  return { baseFee, tip: tips[tips.length >> 1] ?? (await suggestedTip(baseFee, asked)) }
}

async function suggestedTip(baseFee: bigint, asked: Asked): Promise<bigint> {
  try {
    return quantityOf(await asked('eth_maxPriorityFeePerGas'), 'priority fee', 128)
  } catch (thrown) {
    if (!(thrown instanceof NodeError)) throw thrown
    return baseFee / 10n
  }
}
