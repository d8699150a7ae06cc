/**
 * A provider for Bitcoin that sats-connect uses: `registerBitcoinProvider(createBitcoinProvider())` makes it known by WBIP004.
 *
 * No session of a real device was ever recorded for the Bitcoin applet. It was tried on the simulated device only.
 *
 * @module imkey-connect/bitcoin
 */

import type { BitcoinNetwork, Interaction, LoadOptions, PairingRequest } from './imkey.js'

/** What sendTransfer and getBalance ask a node or an indexer for. */
export interface BitcoinNode {
  /** The outputs of an address that are not spent. The value is in satoshi. */
  utxos(address: string): Promise<readonly { readonly txid: string; readonly vout: number; readonly value: number }[]>
  /** A whole transaction, in hex. The device's fee is computed from it. */
  transaction(txid: string): Promise<string>
  /** The fee for each virtual byte, in satoshi. */
  feeRate(): Promise<number>
  /** Sends a transaction in hex and resolves to its id. */
  broadcast(transaction: string): Promise<string>
}

/** The options of createBitcoinProvider. */
export interface BitcoinProviderOptions extends LoadOptions {
  /** Default: mainnet. */
  network?: BitcoinNetwork
  /** The number of the account, in m/84'/0'/0' for payments and m/86'/0'/0' for ordinals. Default: 0. */
  account?: number
  /** A node, or the address of an Esplora API, such as https://mempool.space/api. Without it, nothing is sent. */
  node?: BitcoinNode | string
  /**
   * Is asked when a transaction of the site has an unusually high fee, in satoshi. Default: such a transaction is refused. Ask the user in
   * words that name the fee.
   */
  confirmFee?: (fee: number) => boolean | Promise<boolean>
  /**
   * The address of a connector, as in createProvider: it has the device, and asks the user, also about a high fee. Then `account`, `confirmFee`,
   * `pairing` and the options of loadImKey are not used. What asks the user opens its window in a click.
   */
  connector?: string | URL
  /** What happens when the device is not bound to this site, as in createProvider. Default: the dialog. */
  pairing?: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** Is called with what the user has to do on the device, as the event `interaction` of a device. A connector shows that itself. */
  onInteraction?: (interaction: Interaction) => void
}

/** An answer of JSON-RPC 2.0. The code of a rejection by the user is -32000, as in sats-connect; `error.data.code` is an ErrorCode. */
export type BitcoinResponse =
  | { readonly jsonrpc: '2.0'; readonly id: string; readonly result: unknown }
  | {
      readonly jsonrpc: '2.0'
      readonly id: string
      readonly error: { readonly code: number; readonly message: string; readonly data: object }
    }

/**
 * A provider with the methods of sats-connect: `getInfo`, `getAccounts`, `getAddresses`, `wallet_connect`, `wallet_disconnect`,
 * `wallet_getNetwork`, `wallet_requestPermissions`, `wallet_renouncePermissions`, `signMessage`, `signPsbt`, `sendTransfer` and `getBalance`.
 * `getAccounts`, `getAddresses`, `wallet_connect` and `wallet_requestPermissions` open the chooser and the binding dialog in a click. The others
 * are refused before one of them succeeded.
 */
export interface BitcoinProvider {
  readonly isImKey: true
  /** Answers a request. It does not reject. */
  request(method: string, params?: unknown): Promise<BitcoinResponse>
}

/** Makes a provider. It loads nothing before the first request. */
export function createBitcoinProvider(options?: BitcoinProviderOptions): BitcoinProvider

/**
 * Registers a provider by WBIP004, as `imKeyProviders.BitcoinProvider` in `window` and in `window.btc_providers`. Returns a function that ends
 * that.
 */
export function registerBitcoinProvider(provider: BitcoinProvider, info?: { name?: string; icon?: string; webUrl?: string }): () => void
