// One call of imkey-backup.wasm, and the messages by which a page has a worker make it.

import type { KnownDevice, Store } from '../types/imkey'
import type { StoreChoice } from './core'

export interface BackupOptions {
  store: StoreChoice
  /** What the memory of another module is reached by, where the store is 'memory'. */
  memory?: Store
  /** For importBinding alone. */
  seid?: string
  replace?: boolean
  signal?: AbortSignal
}

/** One call of Backup. */
export type BackupCall =
  | { method: 'exportBinding'; args: [seid: string, passphrase: string, options: BackupOptions] }
  | { method: 'importBinding'; args: [file: Uint8Array, passphrase: string, options: BackupOptions] }

/** What the page sends: the call, and later perhaps that it is given up. */
export type ToWorker = { wasmURL: string; call: BackupCall } | 'abort'

/** What it gets: that the worker listens, and then how the call ended. */
export type FromWorker = 'ready' | { value: Uint8Array | KnownDevice } | { error: Told }

export interface Told {
  code: string
  message: string
  statusWord?: number
  retryable: boolean
  data?: object
}
