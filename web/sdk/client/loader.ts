// Starts imkey.wasm. This file is loaded on demand, together with Go's JavaScript support.

import { evaluate } from 'go:wasm_exec'

export { late } from './sentences.late.gen'

// The caller makes the errors, so that this file shares no code with imkey.js. Shared code would split imkey.js in two.
type Fail = (message: string, details: { retryable?: boolean; data?: Record<string, unknown>; cause: unknown }) => Error

const downloadWithin = 90_000 // milliseconds

// Compiled modules by address: a start after a crash needs no second download.
const compiled = new Map<string, WebAssembly.Module>()

/** EarlyDownload is a download that began before this file was loaded. */
export interface EarlyDownload {
  response: Promise<Response>
  cancel(): void
}

/**
 * start runs a new instance and resolves to the core that it provides. ended is called once, when the instance stops. If it stops
 * before the promise settles, the promise rejects too. early is a download of wasmURL that was begun.
 */
export async function start<Core>(wasmURL: string, fail: Fail, ended: (cause: unknown) => void, early?: EarlyDownload): Promise<Core> {
  let module = compiled.get(wasmURL)
  if (module === undefined) {
    module = await download(wasmURL, fail, early)
    compiled.set(wasmURL, module)
  }
  let release = () => {}
  const scope = ownGlobals(
    new Promise((resolve) => {
      release = resolve
    }),
  )
  const go = new (evaluate(scope))()
  const instance = await WebAssembly.instantiate(module, go.importObject)

  return new Promise<Core>((resolve, reject) => {
    let over = false
    const end = (cause: unknown) => {
      if (over) return
      over = true
      for (const timer of go._scheduledTimeouts.values()) clearTimeout(timer)
      release()
      ended(cause)
      reject(fail(`${wasmURL} stopped: ${String(cause)}`, { cause }))
    }
    // Go's callbacks enter here. A trap leaves Go's memory in an undefined state, and Go does not notice.
    // oxlint-disable-next-line typescript/unbound-method -- it is called on go below
    const resume = go._resume
    go._resume = () => {
      if (over) return
      try {
        resume.call(go)
      } catch (cause) {
        end(cause)
      }
    }
    go.exit = (code) => end(`exit code ${code}`)

    // Go finds this function by a random name, which no script can guess, and deletes it at once.
    const name = `imkey-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`
    Object.defineProperty(scope, name, { configurable: true, value: resolve })
    go.argv = ['imkey', name]
    go.run(instance).then(() => end('it ended'), end)
  })
}

async function download(url: string, fail: Fail, early: EarlyDownload | undefined): Promise<WebAssembly.Module> {
  const failed = (what: string, { cause, status }: { cause?: unknown; status?: number }) =>
    fail(`${url} could not be loaded: ${what}`, {
      retryable: true,
      cause,
      data: { reason: 'download', url, ...(status !== undefined && { status }) },
    })

  // The time for the whole download. A caller may give up earlier, and the next one then waits for the same download.
  const signal = AbortSignal.timeout(downloadWithin)
  const slow = (cause: unknown) => failed(`it did not arrive within ${downloadWithin / 1000} s`, { cause })
  if (early) signal.addEventListener('abort', () => early.cancel())
  let response: Response
  try {
    response = await (early?.response ?? fetch(url, { signal }))
  } catch (cause) {
    if (signal.aborted) throw slow(cause)
    throw failed("no connection, or the site's connect-src forbids it", { cause })
  }
  if (!response.ok) {
    const { status } = response
    throw failed(
      `the server answered ${status}; it belongs beside imkey.js, or where the options wasmURL, coinsWasmURL and backupWasmURL say`,
      {
        status,
      },
    )
  }
  try {
    // A browser compiles it while it downloads only if it has the type application/wasm, which some servers do not send.
    return /^application\/wasm\s*($|;)/i.test(response.headers.get('Content-Type') ?? '') && 'compileStreaming' in WebAssembly
      ? await WebAssembly.compileStreaming(response)
      : await WebAssembly.compile(await response.arrayBuffer())
  } catch (cause) {
    if (cause instanceof WebAssembly.CompileError) {
      throw failed(`it is no WebAssembly, or the site's script-src lacks 'wasm-unsafe-eval' (${cause.message})`, { cause })
    }
    throw signal.aborted ? slow(cause) : failed('the connection broke off', { cause })
  }
}

/**
 * ownGlobals gives Go a global object of its own. What Go and its JavaScript support write stays there and leaves nothing on the page,
 * and a page's own `fs` or `process` does not reach Go. Everything else is read from the page's globals.
 */
function ownGlobals(ended: Promise<void>): typeof globalThis {
  const shadowed = new Set<PropertyKey>(['Go', 'fs', 'process', 'path'])
  const read = reader(globalThis)
  return new Proxy({ ...('navigator' in globalThis && { navigator: ownNavigator(ended) }) } as typeof globalThis, {
    has: (own, key) => Reflect.has(own, key) || (!shadowed.has(key) && Reflect.has(globalThis, key)),
    get: (own, key) => (Object.hasOwn(own, key) ? Reflect.get(own, key) : shadowed.has(key) ? undefined : read(key)),
  })
}

/** ownNavigator is the page's navigator, with Web Locks that are released when the instance stops: nothing else could release them. */
function ownNavigator(ended: Promise<void>): Navigator {
  const { locks } = navigator
  const read = reader(navigator)
  const ours = locks && {
    query: () => locks.query(),
    request: (name: string, ...rest: unknown[]) => {
      const granted = rest.pop() as LockGrantedCallback<unknown>
      return (locks.request as Function).call(locks, name, ...rest, (lock: Lock | null) => Promise.race([granted(lock), ended]))
    },
  }
  return new Proxy({} as Navigator, {
    has: (_, key) => Reflect.has(navigator, key),
    get: (_, key) => (key === 'locks' ? ours : read(key)),
  })
}

/**
 * reader reads the properties of an object for a proxy of it. Functions such as setTimeout work only on the object itself, so they
 * are bound to it. Constructors are left as they are.
 */
function reader(object: object): (key: PropertyKey) => unknown {
  const bound = new Map<Function, unknown>()
  return (key) => {
    const value: unknown = Reflect.get(object, key)
    if (typeof value !== 'function' || Object.hasOwn(value, 'prototype')) return value
    if (!bound.has(value)) bound.set(value, value.bind(object))
    return bound.get(value)
  }
}
