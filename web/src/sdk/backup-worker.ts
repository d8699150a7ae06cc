// imkey-backup.js: makes one call of imkey-backup.wasm apart from the page, which goes on meanwhile. A worker of the page's
// own origin has that origin's storage.

import { type BackupCall, run } from './backup'
import type { KnownDevice } from './types/imkey'

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

const tell = (message: FromWorker) => postMessage(message)
const given = new AbortController()

addEventListener('message', ({ data }: MessageEvent<ToWorker>) => {
  if (data === 'abort') given.abort()
  else void answer(data)
})
tell('ready')

async function answer({ wasmURL, call }: Exclude<ToWorker, 'abort'>) {
  call.args[2].signal = given.signal
  try {
    tell({
      value: await run({
        wasmURL,
        fail: (message, { retryable = false, data }) => new Failure({ code: 'internal', message, retryable, ...(data && { data }) }),
        makeError: (code, message, statusWord, retryable, data) =>
          new Failure({ code, message, retryable, ...(statusWord !== undefined && { statusWord }), ...(data && { data }) }),
      }, call),
    })
  } catch (thrown) {
    tell({ error: thrown instanceof Failure ? thrown.told : { code: 'internal', message: `unexpected: ${String(thrown)}`, retryable: false } })
  }
}

class Failure extends Error {
  constructor(readonly told: Told) {
    super(told.message)
  }
}
