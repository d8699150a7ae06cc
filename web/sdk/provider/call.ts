import type { Device, SignInRequest } from '../types/imkey'
import type { Chain } from './chain'
import { abortedByCaller } from './refusal'

/** Params is a method's list of parameters. The method checks how many there are. */
export type Params = readonly unknown[]

/** Call is one request while it is carried out. */
export interface Call {
  readonly method: string
  readonly signal: AbortSignal | undefined
  /** What the message says, if it is one of sign-in. */
  readonly signIn?: SignInRequest
  /** The chain that the request is for. Without it, it is for the selected one. */
  readonly chain?: Chain
  /** A device that provider.ts began to look for while the engine was loading. */
  readonly early?: Promise<Device>
  /** The hash of the transaction that this one replaces, because it has the same nonce. */
  replaces?: string
}

/** unlessAborted settles as the promise does, or rejects as soon as the signal aborts. */
export function unlessAborted<T>(signal: AbortSignal | undefined, promise: Promise<T>): Promise<T> {
  if (!signal) return promise
  return new Promise<T>((resolve, reject) => {
    const stop = () => reject(abortedByCaller(signal))
    if (signal.aborted) stop()
    signal.addEventListener('abort', stop, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop))
  })
}
