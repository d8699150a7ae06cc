// One call of imkey-backup.wasm, and the messages between a page and the worker that makes it.

import type { KnownDevice, Shown, Store } from '../types/imkey'
import type { StoreChoice } from './core'

export interface BackupOptions {
  store: StoreChoice
  /** The memory store of imkey.wasm, if the store is 'memory'. */
  memory?: Store
  /** Only for exportBinding: what the user was shown of the device. */
  shown?: Shown
  /** Only for importBinding. */
  seid?: string
  serial?: string
  replace?: boolean
  signal?: AbortSignal
}

/** One call of Backup. */
export type BackupCall =
  | { method: 'exportBinding'; args: [seid: string, passphrase: string, options: BackupOptions] }
  | { method: 'importBinding'; args: [file: Uint8Array, passphrase: string, options: BackupOptions] }

/** What the page sends: the call, and later perhaps that it is aborted. */
export type ToWorker = { wasmURL: string; call: BackupCall } | 'abort'

/** What the page gets: first that the worker listens, then how the call ended. */
export type FromWorker = 'ready' | { value: Uint8Array | KnownDevice } | { error: Told }

export interface Told {
  code: string
  message: string
  statusWord?: number
  retryable: boolean
  data?: object
}
