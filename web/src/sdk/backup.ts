// Runs imkey-backup.wasm for one call. This file is loaded on demand.

import type { StoreChoice } from './core'
import type { start } from './loader'
import type { KnownDevice, Store } from './types/imkey'

/** The surface of imkey-backup.wasm. Package wasm/backup is the other half of it. */
export interface Backup {
  init(host: { makeError: MakeError }): void
  exportBinding(seid: string, passphrase: string, options: BackupOptions): Promise<Uint8Array>
  importBinding(file: Uint8Array, passphrase: string, options: BackupOptions & { seid?: string; replace: boolean }): Promise<KnownDevice>
  /** Ends the instance. Its memory, which passphrase and record were in, goes with it. */
  end(): void
}

export interface BackupOptions {
  store: StoreChoice
  /** What the memory of another module is reached by, where the store is 'memory'. */
  memory?: Store
  signal?: AbortSignal
}

type MakeError = (code: string, message: string, statusWord: number | undefined, retryable: boolean, data: object | undefined) => Error

/** run starts an instance, makes one call, and ends the instance. */
export async function run<T>(
  wasmURL: string, fail: Parameters<typeof start>[1], makeError: MakeError, call: (backup: Backup) => Promise<T>,
): Promise<T> {
  let stopped: (cause: unknown) => void
  const end = new Promise<never>((_, reject) => {
    stopped = cause => reject(fail(`${wasmURL} stopped unexpectedly`, { retryable: true, cause }))
  })
  end.catch(() => {}) // its end after the call is no news
  const loader = await import('./loader')
  const backup = await loader.start<Backup>(wasmURL, fail, cause => stopped(cause))
  try {
    backup.init({ makeError })
    return await Promise.race([call(backup), end])
  } finally {
    backup.end()
  }
}
