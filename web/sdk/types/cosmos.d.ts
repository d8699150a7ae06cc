/**
 * An offline signer for cosmjs, amino and direct: `SigningStargateClient.connectWithSigner(node, createCosmosSigner())`.
 *
 * No session of a real device was ever recorded for the Cosmos applet. It was tried on the simulated device only.
 *
 * @module imkey-connect/cosmos
 */

import type { CosmosAminoDocument, Interaction, LoadOptions, PairingRequest } from './imkey.js'

/** An account, as cosmjs has it (AccountData). */
export interface CosmosAccount {
  /** The address in bech32, with the signer's prefix. */
  readonly address: string
  /** The kind of the key. */
  readonly algo: 'secp256k1'
  /** The compressed public key: 33 bytes. */
  readonly pubkey: Uint8Array
}

/** A signature, as cosmjs has it (StdSignature). */
export interface CosmosSignature {
  /** The public key: its type and, in base64, its 33 bytes. */
  readonly pub_key: { readonly type: string; readonly value: string }
  /** r and s in base64, with s in the lower half. */
  readonly signature: string
}

/** A SignDoc, as cosmjs has it. */
export interface CosmosSignDoc {
  bodyBytes: Uint8Array
  authInfoBytes: Uint8Array
  chainId: string
  accountNumber: bigint
}

/** The options of createCosmosSigner. */
export interface CosmosSignerOptions extends LoadOptions {
  /**
   * The prefix of the addresses. Default: cosmos. The device shows `cosmos1…`, whatever the prefix is. Chains whose keys are those of
   * Ethereum, such as Injective, have other accounts: their prefixes are refused.
   */
  prefix?: string
  /** The paths of the accounts. Default: m/44'/118'/0'/0/0 alone. */
  paths?: readonly string[]
  /**
   * The address of a connector, as in createProvider: it has the device, and asks the user. Then `paths`, `pairing` and the options of loadImKey
   * are not used. What asks the user opens its window in a click.
   */
  connector?: string | URL
  /** What happens when the device is not bound to this site, as in createProvider. Default: the dialog. */
  pairing?: 'dialog' | 'none' | ((request: PairingRequest) => Promise<unknown>)
  /** Is called with what the user has to do on the device, as the event `interaction` of a device. A connector shows that itself. */
  onInteraction?: (interaction: Interaction) => void
}

/**
 * An OfflineAminoSigner and an OfflineDirectSigner of cosmjs, with signArbitrary as Keplr has it. Errors are instances of ProviderRpcError:
 * the code of a rejection by the user is 4001.
 */
export interface CosmosSigner {
  readonly isImKey: true
  /**
   * Resolves to the accounts. The first call opens the chooser and the binding dialog, so make it in a click. Later calls return the same
   * accounts and ask no device, until a signature was refused because the device has another wallet or is not bound any more.
   */
  getAccounts(): Promise<readonly CosmosAccount[]>
  /** Signs an amino document with the account of this address. */
  signAmino(signerAddress: string, signDoc: CosmosAminoDocument): Promise<{ readonly signed: any; readonly signature: CosmosSignature }>
  /** Signs a SignDoc with the account of this address. */
  signDirect(
    signerAddress: string,
    signDoc: CosmosSignDoc,
  ): Promise<{ readonly signed: CosmosSignDoc; readonly signature: CosmosSignature }>
  /**
   * Signs text or bytes as ADR-36 says. The device shows the hash. The first argument is a chain id for Keplr's sake: a message of ADR-36
   * has none.
   */
  signArbitrary(chainId: string, signerAddress: string, data: string | Uint8Array): Promise<CosmosSignature>
}

/** Makes a signer. It loads nothing before the first call. */
export function createCosmosSigner(options?: CosmosSignerOptions): CosmosSigner

/**
 * What the extension gives to sites. There is no standard for that: `window.keplr` belongs to another wallet, and the extension does not take it.
 */
export interface CosmosProvider {
  readonly isImKey: true
  /** Makes a signer for the addresses with a prefix. Default: cosmos. It asks nothing before its first call. */
  getOfflineSigner(options?: { prefix?: string }): CosmosSigner
}

/** A provider that a wallet announced, in the form of EIP-6963. */
export interface CosmosProviderDetail {
  readonly info: { readonly uuid: string; readonly name: string; readonly icon: string; readonly rdns: string }
  readonly provider: CosmosProvider
}

/**
 * Calls found with each provider that a wallet of this browser announces, now and later, once for each. A site without this package listens to the event
 * `imkey-connect:announceCosmosProvider` and dispatches `imkey-connect:requestCosmosProvider`. Returns a function that ends that.
 */
export function onCosmosProvider(found: (detail: CosmosProviderDetail) => void): () => void

/** Announces a provider of a site's own in the same way. Returns a function that ends that. */
export function announceCosmosProvider(provider: CosmosProvider, info?: Partial<CosmosProviderDetail['info']>): () => void
