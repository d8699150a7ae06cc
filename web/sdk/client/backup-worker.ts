// imkey-backup.js makes one call of imkey-backup.wasm in a worker, so that the page stays responsive. A worker of the page's own
// origin has that origin's storage.

import { run } from './backup'
import type { FromWorker, Told, ToWorker } from './backup-call'

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
      value: await run(
        {
          wasmURL,
          fail: (message, { retryable = false, data }) => new Failure({ code: 'internal', message, retryable, ...(data && { data }) }),
          makeError: (code, message, statusWord, retryable, data) =>
            new Failure({ code, message, retryable, ...(statusWord !== undefined && { statusWord }), ...(data && { data }) }),
        },
        call,
      ),
    })
  } catch (thrown) {
    tell({
      error: thrown instanceof Failure ? thrown.told : { code: 'internal', message: `unexpected: ${String(thrown)}`, retryable: false },
    })
  }
}

class Failure extends Error {
  constructor(readonly told: Told) {
    super(told.message)
  }
}
