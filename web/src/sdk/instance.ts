import type { Core } from './core'
import { ImKeyError } from './errors'
import type { ErrorCode, ErrorDetails } from './types/imkey'

/** Instance is a running imkey.wasm. When it stops, whatever was asked of it rejects. */
export class Instance {
  #core: Core | undefined
  #stopped: ImKeyError | undefined
  readonly #pending = new Set<(error: ImKeyError) => void>()

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
    const { start } = await import('./loader').catch((cause: unknown) => {
      throw new ImKeyError('internal', 'a part of imkey.js could not be loaded: is its folder assets beside it on the site?',
        { retryable: true, cause, data: { reason: 'download' } })
    })
    try {
      const fail = (message: string, details: ErrorDetails) => new ImKeyError('internal', message, details)
      const core = await start(wasmURL, fail, cause => {
        stopped()
        instance.#stop(cause)
      })
      core.init({
        makeError: (code, message, statusWord, retryable, data) =>
          new ImKeyError(code as ErrorCode, message, { statusWord, retryable, data: data as Record<string, unknown> | undefined }),
      })
      instance.#core = core
    } catch (thrown) {
      throw typed(thrown)
    }
    if (instance.#stopped) throw instance.#stopped
    return instance
  }

  get stopped(): boolean {
    return this.#stopped !== undefined
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
    this.#stopped = new ImKeyError('internal', 'imkey.wasm stopped unexpectedly; the next call starts it anew',
      { retryable: true, cause })
    for (const reject of this.#pending) reject(this.#stopped)
    this.#pending.clear()
  }
}

let current: Promise<Instance> | undefined

function typed(thrown: unknown): ImKeyError {
  return thrown instanceof ImKeyError
    ? thrown
    : new ImKeyError('internal', `unexpected: ${String(Object(thrown).message ?? thrown)}`, { cause: thrown })
}
