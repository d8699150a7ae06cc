// The part of tronweb that the documents use. The tests of core/tron/oracle and web/e2e/coins have tronweb itself.

declare module 'tronweb' {
  export class TronWeb {
    constructor(options: { fullHost: string })
    readonly trx: { sendTransaction(to: string, amount: number): Promise<unknown> }
  }
}
