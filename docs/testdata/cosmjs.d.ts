// The part of cosmjs that the documents use. The tests of core/cosmos/oracle and web/e2e/coins have cosmjs itself.

declare module '@cosmjs/stargate' {
  export class SigningStargateClient {
    static connectWithSigner(node: string, signer: object): Promise<SigningStargateClient>
    sendTokens(from: string, to: string, amount: readonly object[], fee: object): Promise<unknown>
  }
}
