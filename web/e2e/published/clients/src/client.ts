// The calls that every client implements, so that one test can use all of them.

export interface Client {
  /** Asks for the accounts, as a click on "Connect" does. */
  accounts(): Promise<readonly string[]>
  signMessage(message: string): Promise<string>
  signTypedData(): Promise<string>
  /** Sends an amount to an address and waits until the transaction is mined. */
  send(to: string, wei: string): Promise<{ hash: string; from: string; status: string }>
  /** Sends amounts to an address in one batch (EIP-5792), and waits until all are mined. */
  batch?(to: string, weis: string[]): Promise<{ statusCode: number; hashes: string[] }>
}

export const typedData = {
  domain: { name: 'Ether Mail', version: '1', chainId: Number(chain()), verifyingContract: '0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC' },
  types: {
    Person: [
      { name: 'name', type: 'string' },
      { name: 'wallets', type: 'address[]' },
    ],
    Mail: [
      { name: 'from', type: 'Person' },
      { name: 'to', type: 'Person[]' },
      { name: 'value', type: 'uint256' },
    ],
  },
  primaryType: 'Mail',
  message: {
    from: { name: 'Cow', wallets: ['0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826'] },
    to: [{ name: 'Bob', wallets: ['0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB'] }],
    value: 2n ** 255n,
  },
} as const

export function chain(): string {
  return new URLSearchParams(location.search).get('chain')!
}

export function rpc(): string {
  return new URLSearchParams(location.search).get('rpc')!
}

/** The chain in viem's form. */
export const definition = {
  id: Number(chain()),
  name: 'test',
  nativeCurrency: { name: 'Ether', symbol: 'ETH', decimals: 18 },
  rpcUrls: { default: { http: [rpc()] } },
}
