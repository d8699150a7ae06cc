// Runs imkey-backup.wasm for one call. This file is loaded on demand, by a page and by the worker.

import type { BackupCall, BackupOptions, FromWorker, ToWorker } from './backup-call'
import type { start } from './loader'
import type { KnownDevice } from '../types/imkey'

/** The interface of imkey-backup.wasm. Package wasm/backup implements it. */
interface Backup {
  init(host: { makeError: MakeError }): void
  exportBinding(seid: string, passphrase: string, options: BackupOptions): Promise<Uint8Array>
  importBinding(file: Uint8Array, passphrase: string, options: BackupOptions): Promise<KnownDevice>
  /** Ends the instance and frees its memory, which held the passphrase and the record. */
  end(): void
}

export type MakeError = (
  code: string,
  detail: string,
  statusWord: number | undefined,
  retryable: boolean,
  data: object | undefined,
) => Error

export interface Environment {
  wasmURL: string
  fail: Parameters<typeof start>[1]
  makeError: MakeError
}

/** run starts an instance, makes the call, and ends the instance. */
export async function run({ wasmURL, fail, makeError }: Environment, call: BackupCall): Promise<Uint8Array | KnownDevice> {
  let stopped: (cause: unknown) => void
  const end = new Promise<never>((_, reject) => {
    stopped = (cause) => reject(fail(`${wasmURL} stopped unexpectedly`, { retryable: true, cause }))
  })
  end.catch(() => {}) // that it ends after the call is expected
  const { start } = await import('./loader')
  const backup = await start<Backup>(wasmURL, fail, (cause) => stopped(cause))
  try {
    backup.init({ makeError })
    const answer = call.method === 'exportBinding' ? backup.exportBinding(...call.args) : backup.importBinding(...call.args)
    return await Promise.race([end, answer]) // in this order: if the instance stops during a call, the call has no valid answer
  } finally {
    backup.end()
  }
}

/**
 * perform makes the call in a worker if it can, so that the page stays responsive. That needs a store that a worker can reach by
 * itself, and a worker that starts. Otherwise the page makes the call itself.
 */
export async function perform(environment: Environment, call: BackupCall, makeWorker: () => Worker): Promise<Uint8Array | KnownDevice> {
  const { signal, ...options } = call.args[2]
  if (options.store === 'indexeddb' && typeof Worker === 'function') {
    const worker = await started(makeWorker)
    if (worker) {
      try {
        return await ask(worker, environment, { ...call, args: [call.args[0], call.args[1], options] } as BackupCall, signal)
      } finally {
        worker.terminate()
      }
    }
  }
  return run(environment, call)
}

/** started resolves to a worker that listens, or to undefined: a site's policy may forbid workers, or a bundler may have lost the script. */
async function started(makeWorker: () => Worker): Promise<Worker | undefined> {
  let worker: Worker | undefined
  try {
    worker = makeWorker()
    await next(worker)
    return worker
  } catch {
    worker?.terminate()
    return undefined
  }
}

async function ask(worker: Worker, { wasmURL, fail, makeError }: Environment, call: BackupCall, signal: AbortSignal | undefined) {
  const answer = next(worker)
  const giveUp = () => worker.postMessage('abort' satisfies ToWorker)
  worker.postMessage({ wasmURL, call } satisfies ToWorker)
  if (signal?.aborted) giveUp()
  signal?.addEventListener('abort', giveUp)
  try {
    const told = await answer.catch((cause: unknown) => {
      throw fail(`${wasmURL} stopped unexpectedly`, { retryable: true, cause })
    })
    if (told === 'ready') throw fail('the worker sent an unexpected message', { cause: undefined })
    if ('value' in told) return told.value
    const { code, message, statusWord, retryable, data } = told.error
    throw makeError(code, message, statusWord, retryable, data)
  } finally {
    signal?.removeEventListener('abort', giveUp)
  }
}

/** next resolves to the worker's next message, or rejects if the worker fails. */
function next(worker: Worker): Promise<FromWorker> {
  return new Promise((resolve, reject) => {
    worker.onmessage = ({ data }: MessageEvent<FromWorker>) => resolve(data)
    const failed = (event: Event) => {
      event.preventDefault()
      reject(event)
    }
    worker.addEventListener('error', failed)
    worker.addEventListener('messageerror', failed)
  })
}
