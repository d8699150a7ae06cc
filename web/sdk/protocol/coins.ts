// The requests for coins besides Ethereum. The name of each method begins with its coin. A site's provider makes these requests of what
// tronweb, sats-connect and others ask it for.

import { either, exactly, flag, json, list, object, type Of, text, whole } from './schema'

/** The most characters of a document, within those of a message. */
const most = 256 * 1024

/** One of the addresses that the site may see. It says which account signs. */
const from = text(100, /^[\x21-\x7e]+$/)

const message = {
  from,
  /** Text, or bytes in hex after 0x. */
  message: text(most),
  isText: flag,
}

const hex = text(most, /^(0x)?([\da-f]{2})*$/i)
const nothing = object({})

export const tron = {
  /** Resolves to the addresses, after the user allowed the site to see them. */
  tron_requestAccounts: nothing,
  /** The same without a question: an empty list without a permission. */
  tron_accounts: nothing,
  tron_revokePermissions: nothing,
  /** Resolves to `{ signature, txID }`. */
  tron_signTransaction: object({ from, rawData: hex }, { txID: text(66), amount: either(whole(0, Number.MAX_SAFE_INTEGER), text(80)) }),
  /** Resolves to the signature. */
  tron_signMessage: object(message, { version: exactly(1, 2), header: exactly('TRON', 'ETH') }),
  tron_signTypedData: object({ from, document: json(90) }),
}

const network = exactly('mainnet', 'testnet', 'signet', 'regtest')
const address = text(128, /^[\x21-\x7e]+$/)

export const bitcoin = {
  /** Resolves to the addresses, each as a BitcoinAccount. A permission is for one network. */
  bitcoin_requestAccounts: object({ network }),
  bitcoin_accounts: object({ network }),
  bitcoin_revokePermissions: nothing,
  /** Resolves to `{ signature, hash }`. */
  bitcoin_signMessage: object({ ...message, scheme: exactly('bip137', 'bip322') }),
  /** Resolves to `{ psbt, transaction, txid }`, the last two if every input is final. inputs are the only ones to sign. */
  bitcoin_signPsbt: object({ psbt: text(most, /^[A-Za-z\d+/]+={0,2}$/), finalize: flag }, { inputs: list(whole(0, 251), 252) }),
  /** Resolves to `{ script, dust }`: the script in hex, and the least amount in satoshi that nodes relay to it. */
  bitcoin_describeAddress: object({ address, network }),
  /**
   * What sendTransfer and getBalance need of the node that the user chose for the broker, as a BitcoinNode has it. Without a node it is 4200. A
   * site needs a permission, and hears of the outputs of its own addresses alone.
   */
  bitcoin_utxos: object({ address }),
  bitcoin_transaction: object({ txid: text(64, /^[\da-f]{64}$/) }),
  bitcoin_feeRate: nothing,
  bitcoin_broadcast: object({ transaction: text(most, /^([\da-f]{2})+$/i) }),
}

/** BitcoinAccount is an address that a site may see. Change is what its own transfers send back to. */
export const bitcoinAccount = object({
  address,
  path: text(200),
  type: exactly('p2pkh', 'p2sh-p2wpkh', 'p2wpkh', 'p2tr'),
  publicKey: text(68, /^0x[\da-f]+$/),
  script: text(140, /^0x[\da-f]+$/),
  purpose: exactly('payment', 'ordinals', 'change'),
})

export type BitcoinAccount = Of<typeof bitcoinAccount>

const prefix = text(20, /^[a-z][a-z\d]*$/)

export const cosmos = {
  /** Resolves to the accounts, each with address, path and publicKey. network is the prefix of the addresses; a permission is for one. */
  cosmos_requestAccounts: object({ network: prefix }),
  cosmos_accounts: object({ network: prefix }),
  cosmos_revokePermissions: nothing,
  /** Resolves to `{ signed, signature }`. */
  cosmos_signAmino: object({ from, document: json(90) }),
  /** Resolves to `{ signature }`. The bytes are in hex after 0x, and accountNumber in decimal digits. */
  cosmos_signDirect: object({ from, bodyBytes: hex, authInfoBytes: hex, chainId: text(100), accountNumber: text(20, /^\d+$/) }),
}

/** The schemas of the methods of each coin. */
export const coins = { tron, bitcoin, cosmos }

/** Asks are the params of the methods of a coin. */
export type Asks<C extends keyof typeof coins> = { readonly [M in keyof (typeof coins)[C]]: Of<(typeof coins)[C][M]> }
