import { type Asked, refusedHint } from './fees'
import { type Entry, isFresh, isRecent } from './journal'
import { badNode } from './refusal'
import { numberOf } from './rpc'

/** Counts are a node's numbers of an account's transactions: in blocks, and with those that wait for a block. */
export interface Counts {
  readonly latest: number
  readonly pending: number
}

/** More transactions than this do not wait for a block: nodes keep 64 of an account (go-ethereum's --txpool.accountqueue). */
const mostWaiting = 64

/** More transactions than this are not made in a day. */
const mostInADay = 1000

/** transactionCounts asks a node for its counts. Some nodes do not have the tag `pending`, and some count fewer by it than by `latest`. */
export async function transactionCounts(from: string, asked: Asked): Promise<Counts> {
  const count = (tag: string) => asked('eth_getTransactionCount', [from, tag])
  const read = (n: unknown) => Number(numberOf(n, 'nonce', 53))
  const known = (n: unknown) => (n === null || n === undefined ? 0 : read(n))
  const [pending, latest] = await Promise.all([count('pending').catch(refusedHint).then(known), count('latest').then(read)])
  return { latest, pending: Math.max(pending, latest) }
}

/** waiting gives the entries that the node has not counted, by nonce, the newest first. Others are not next to what it counted. */
export function waiting(entries: readonly Entry[], { pending }: Counts): Entry[][] {
  const rivals = new Map<number, Entry[]>()
  for (const entry of entries) {
    if (entry.nonce < pending || entry.nonce >= pending + mostWaiting) continue
    rivals.set(entry.nonce, [entry, ...(rivals.get(entry.nonce) ?? [])]) // of() sorts by nonce and time
  }
  return [...rivals.values()]
}

/**
 * nextNonce gives the highest of the node's counts and of the next nonces of used, which are entries that count whatever the node says. It
 * leaves no gap below one that is not fresh: otherwise the account could be stuck for ever. It gives no nonce of any entry: only the dApp
 * has one signed again, by naming it.
 */
export function nextNonce(used: readonly Entry[], entries: readonly Entry[], { pending }: Counts): number {
  const taken = new Set(entries.map(({ nonce }) => nonce))
  let next = Math.max(pending, ...used.filter(isFresh).map(({ nonce }) => nonce + 1))
  while (taken.has(next)) next++
  return next
}

/** checkCounts throws if the counts are too high to be true: a transaction with such a nonce could be used much later. */
export function checkCounts({ latest, pending }: Counts, entries: readonly Entry[]) {
  // Only a nonce that a node took was the next one: the dApp may have named any other. It is -Infinity without an entry.
  const known = Math.max(...entries.filter((each) => isRecent(each) && each.state === 'sent').map(({ nonce }) => nonce))
  const jumped = known >= 0 && latest > known + mostInADay
  if (jumped || pending > latest + mostWaiting) {
    throw badNode(
      `The node says that the next nonce of this account is ${pending}, although ${jumped ? `${known} was signed within a day` : `${latest} transactions are in blocks`}, so nothing was signed. If it is right, give the transaction its nonce.`,
    )
  }
}
