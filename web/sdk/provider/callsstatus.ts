/** Receipt is what EIP-5792 takes of a transaction's receipt. */
export interface Receipt {
  readonly logs: readonly unknown[]
  readonly status: string
  readonly blockHash: string
  readonly blockNumber: string
  readonly gasUsed: string
  readonly transactionHash: string
}

/** CallsStatus is the answer of wallet_getCallsStatus. */
export interface CallsStatus {
  readonly version: string
  readonly id: string
  readonly chainId: string
  /** 100 pending, 200 confirmed, 400 not on the chain, 500 completely reverted, 600 partially on the chain. */
  readonly status: 100 | 200 | 400 | 500 | 600
  readonly atomic: false
  /** Those of the calls that are in blocks, in the order of the calls; absent if there are none. */
  readonly receipts?: readonly Receipt[]
}
