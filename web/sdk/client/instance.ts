import type { Core, StoreChoice } from './core'
import type { EarlyDownload } from './loader'
import { failure, ImKeyError } from './errors'
import { inServiceWorker, loadStarter } from './parts'
import { learn } from './sentences'
import { unsupported } from './support'
import type { ErrorCode, ErrorDetails } from '../types/imkey'

/** Instance is a running imkey.wasm or imkey-coins.wasm. When it stops, all calls of it that are under way reject. */
export class Instance {
  #core: Core | undefined
  #stopped: ImKeyError | undefined
  readonly #pending = new Set<(error: ImKeyError) => void>()
  readonly #ended = new AbortController()

  /** started resolves to the page's one instance of a module. It starts one if there is none or if the last one stopped. */
  static started(wasmURL: string, coins: 0 | 1 = 0): Promise<Instance> {
    return (current[coins] ??= Instance.#begin(wasmURL, coins))
  }

  static #begin(wasmURL: string, coins: 0 | 1): Promise<Instance> {
    const over = () => {
      if (current[coins] === starting) current[coins] = undefined // the next call tries again
    }
    const starting = Instance.#start(wasmURL, over)
    starting.catch(over)
    return starting
  }

  static async #start(wasmURL: string, stopped: () => void): Promise<Instance> {
    const instance = new Instance()
    const early = fetchEarly(wasmURL)
    const { start, late } = await loadStarter().catch(notLoaded)
    learn(late)
    try {
      const ended = (cause: unknown) => {
        stopped()
        instance.#stop(cause)
      }
      const core = await start<Core>(wasmURL, failInternal, ended, early)
      core.init({
        makeError,
        recordChanged: announceChange,
      })
      instance.#core = core
      instance.#listen(core)
    } catch (thrown) {
      throw typed(thrown)
    }
    if (instance.#stopped) throw instance.#stopped
    return instance
  }

  /**
   * #listen makes the page release its devices before the browser freezes it: a frozen page cannot answer other tabs. A page that goes cannot tell a
   * busy device any more to cancel in pagehide, since the browser may have closed the device by then.
   */
  #listen(core: Core) {
    const suspend = () => core.suspend(false)
    const { signal } = this.#ended
    globalThis.addEventListener?.('beforeunload', () => core.suspend(true), { signal })
    globalThis.addEventListener?.('pagehide', suspend, { signal })
    globalThis.document?.addEventListener('freeze', suspend, { signal })
  }

  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  get core(): Core {
    return this.#core!
  }

  /** call settles as the promise that f returns, or rejects if the instance stops first. */
  call<T>(f: (core: Core) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped) throw this.#stopped
      const done = () => this.#pending.delete(reject)
      this.#pending.add(reject)
      // An error that the executor throws would leave reject in the list of pending calls.
      Promise.resolve()
        .then(() => f(this.#core!))
        .then(
          (value) => (done(), resolve(value)),
          (thrown: unknown) => (done(), reject(this.#stopped ?? typed(thrown))),
        )
    })
  }

  #stop(cause: unknown) {
    this.#stopped = failure('internal', 'imkey.wasm stopped unexpectedly; the next call starts it again', { retryable: true, cause })
    this.#ended.abort()
    for (const reject of this.#pending) reject(this.#stopped)
    this.#pending.clear()
  }
}

let started = false

/** fetchEarly begins the first download of a page, so that the module does not wait for the parts of imkey.js that start it. */
function fetchEarly(url: string): EarlyDownload | undefined {
  if (started || inServiceWorker()) return undefined
  started = true
  const controller = new AbortController()
  const response = fetch(url, { signal: controller.signal })
  response.catch(() => {}) // start reports it
  return { response, cancel: () => controller.abort() }
}

/** The instances of imkey.wasm and of imkey-coins.wasm. */
const current: [Promise<Instance>?, Promise<Instance>?] = []

export const failInternal = (detail: string, details: ErrorDetails) => failure('internal', detail, details)

export const makeError = (code: string, detail: string, statusWord: number | undefined, retryable: boolean, data: object | undefined) =>
  failure(code as ErrorCode, detail, { statusWord, retryable, data: data as Record<string, unknown> | undefined })

export function notLoaded(cause: unknown): never {
  if (inServiceWorker()) throw unsupported('service-worker')
  throw failure('internal', 'a part of imkey.js could not be loaded: is its folder assets beside it on the site?', {
    retryable: true,
    cause,
    data: { reason: 'download' },
  })
}

const changes = new Set<(store: StoreChoice, seid: string) => void>()

/** onRecordChange calls f whenever a call on this page changes a record, as long as the page exists. */
export function onRecordChange(f: (store: StoreChoice, seid: string) => void) {
  changes.add(f)
}

function announceChange(store: StoreChoice, seid: string) {
  for (const f of changes) f(store, seid)
}

function typed(thrown: unknown): ImKeyError {
  return thrown instanceof ImKeyError
    ? thrown
    : failure('internal', `unexpected: ${String(Object(thrown).message ?? thrown)}`, { cause: thrown })
}
