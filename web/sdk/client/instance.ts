import type { Core, StoreChoice } from './core'
import { failure, ImKeyError } from './errors'
import type { ErrorCode, ErrorDetails } from '../types/imkey'

/** Instance is a running imkey.wasm. When it stops, whatever was asked of it rejects. */
export class Instance {
  #core: Core | undefined
  #stopped: ImKeyError | undefined
  readonly #pending = new Set<(error: ImKeyError) => void>()
  readonly #ended = new AbortController()

  /** started gives the page's one instance, and starts it when there is none, or none any more. */
  static started(wasmURL: string): Promise<Instance> {
    if (current === undefined) {
      const starting = Instance.#start(wasmURL, () => {
        if (current === starting) current = undefined
      })
      current = starting
      starting.catch(() => {
        if (current === starting) current = undefined // the next call tries again
      })
    }
    return current
  }

  static async #start(wasmURL: string, stopped: () => void): Promise<Instance> {
    const instance = new Instance()
    const { start } = await import('./loader').catch(notLoaded)
    try {
      const core = await start<Core>(wasmURL, failInternal, cause => {
        stopped()
        instance.#stop(cause)
      })
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

  /** #listen has the devices let go of before the page sleeps: other tabs would wait for a page that hears nothing. */
  #listen(core: Core) {
    const suspend = () => core.suspend()
    const { signal } = this.#ended
    globalThis.addEventListener?.('pagehide', suspend, { signal })
    globalThis.document?.addEventListener('freeze', suspend, { signal })
  }

  get stopped(): boolean {
    return this.#stopped !== undefined
  }

  get core(): Core {
    return this.#core!
  }

  /** call settles as what f returns does, or rejects when the instance stops first. */
  call<T>(f: (core: Core) => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (this.#stopped) throw this.#stopped
      const done = () => this.#pending.delete(reject)
      this.#pending.add(reject)
      // The executor's own throw would leave reject among the pending ones.
      Promise.resolve().then(() => f(this.#core!)).then(
        value => (done(), resolve(value)),
        (thrown: unknown) => (done(), reject(this.#stopped ?? typed(thrown))),
      )
    })
  }

  #stop(cause: unknown) {
    this.#stopped = failure('internal', 'imkey.wasm stopped unexpectedly; the next call starts it anew',
      { retryable: true, cause })
    this.#ended.abort()
    for (const reject of this.#pending) reject(this.#stopped)
    this.#pending.clear()
  }
}

let current: Promise<Instance> | undefined

export const failInternal = (detail: string, details: ErrorDetails) => failure('internal', detail, details)

export const makeError = (
  code: string, detail: string, statusWord: number | undefined, retryable: boolean, data: object | undefined,
) => failure(code as ErrorCode, detail, { statusWord, retryable, data: data as Record<string, unknown> | undefined })

export function notLoaded(cause: unknown): never {
  throw failure('internal', 'a part of imkey.js could not be loaded: is its folder assets beside it on the site?',
    { retryable: true, cause, data: { reason: 'download' } })
}

const changes = new Set<(store: StoreChoice, seid: string) => void>()

/** onRecordChange has f called, for as long as the page lives, when a record changes by a call on this page. */
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
