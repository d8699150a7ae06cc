import type { OtherCoin } from '../sdk/protocol/messages'
import { Records } from './records'
import type { Permission, Storage } from './types'

/** Listed are the permissions in a storage, for a page that shows them and is no broker. Brokers that share the storage follow its changes. */
export interface Listed {
  readonly permissions: readonly Permission[]
  /** Takes an origin's permission for a coin, without one for Ethereum. It resolves when that is stored. */
  revoke(origin: string, coin?: OtherCoin): Promise<void>
}

/** listPermissions reads the permissions, and calls changed when they were read and at every change. */
export function listPermissions(storage: Storage, changed: () => void): Listed {
  const records = new Records(storage, changed)
  void records.ready.then(changed)
  return {
    get permissions() {
      return records.permissions
    },
    revoke: async (origin, coin) => {
      await records.ready
      records.revoke(origin, coin)
      await records.stored(origin, coin)
    },
  }
}
