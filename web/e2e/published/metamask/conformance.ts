// Checked by tsc: MetaMask's types take our keyrings, and MetaMask's options are options of ours.

import type { Keyring, KeyringClass } from '@metamask/keyring-utils'
import type { CreateAccountOptions, Keyring as KeyringV2 } from '@metamask/keyring-api/v2'
import { type Bridge, ImKeyKeyring, ImKeyKeyringV2 } from 'imkey-connect/keyring'

declare const bridge: Bridge
declare const options: CreateAccountOptions

export const keyring: Keyring = new ImKeyKeyring({ bridge })
export const keyringV2: KeyringV2 = new ImKeyKeyringV2({ bridge })
export const asLedger: KeyringV2 = new ImKeyKeyringV2({ bridge, type: 'ledger' })
export const created = keyringV2.createAccounts(options)

/** The class that MetaMask's KeyringController makes instances of: a builder passes the bridge. */
export const builder: KeyringClass = class extends ImKeyKeyring {
  constructor() {
    super({ bridge })
  }
}

// @ts-expect-error: without a bridge there is no keyring
export const none = new ImKeyKeyring()
