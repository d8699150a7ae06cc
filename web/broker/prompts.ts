import { abortedByCaller } from '../sdk/provider/refusal'
import { busy, Room } from './room'
import type { OtherCoin } from '../sdk/protocol/messages'
import type { Waiting } from './types'

/** The most requests that wait for the user, of one origin and of all. A request beyond them is refused, and may be repeated. */
const most = { origin: 16, all: 64 }

const full = 'Too many requests wait for you already. Answer them first, then try again.'

/** Prompt is a request that asks the user, from its arrival until it is settled. */
export interface Prompt extends Waiting {
  readonly place: string | undefined
  /** Absent for Ethereum. */
  readonly coin?: OtherCoin
  readonly signal: AbortSignal
  /** Rejects the request. */
  readonly abort: (why: unknown) => void
}

/** Prompts are the requests of all origins that ask the user something. One of them has its turn at a time. */
export class Prompts {
  readonly #list: Prompt[] = []
  readonly #room = new Room(most.all, full)
  readonly #waiting: (() => void)[] = []
  readonly #changed: () => void
  #turn: string | undefined // the origin that has it

  constructor(changed: () => void) {
    this.#changed = changed
  }

  /** The origin on the screen comes first, then the others in the order of their arrival. */
  get list(): readonly Waiting[] {
    const list = this.#list.map(({ origin, method }) => ({ origin, method }))
    const at = list.findIndex(({ origin }) => origin === this.#turn)
    return at > 0 ? [list[at]!, ...list.slice(0, at), ...list.slice(at + 1)] : list
  }

  /** enter notes a request until the function that it gives is called. It throws -32005 where too many wait. */
  enter(prompt: Prompt): () => void {
    const own = this.#list.filter(({ origin }) => origin === prompt.origin).length
    if (own >= most.origin) throw busy(full)
    const guest = this.#room.enter(prompt, 1, () => prompt.abort(busy(full)))
    this.#list.push(prompt)
    this.#changed()
    return () => {
      guest.leave()
      this.#list.splice(this.#list.indexOf(prompt), 1)
      this.#changed()
    }
  }

  /** reject rejects all requests of an origin. */
  reject(origin: string, why: unknown) {
    this.abandon((prompt) => prompt.origin === origin, why)
  }

  /** abandon rejects the requests that which picks. */
  abandon(which: (prompt: Prompt) => boolean, why: unknown) {
    for (const prompt of this.#list.filter(which)) prompt.abort(why) // which may change the list
  }

  /**
   * take waits until no other request has the turn, and gives the function that ends it. One that had the turn before and goes on is ahead
   * of the others. If the signal aborts before, take rejects at once.
   */
  async take(origin: string, signal: AbortSignal | undefined, ahead = false): Promise<() => void> {
    if (signal?.aborted) throw abortedByCaller(signal)
    if (this.#turn !== undefined) {
      await new Promise<void>((resolve, reject) => {
        const next = () => {
          signal?.removeEventListener('abort', leave)
          resolve()
        }
        const leave = () => {
          this.#waiting.splice(this.#waiting.indexOf(next), 1)
          reject(abortedByCaller(signal))
        }
        signal?.addEventListener('abort', leave, { once: true })
        if (ahead) this.#waiting.unshift(next)
        else this.#waiting.push(next)
      })
    }
    this.#turn = origin // at once: the one before passed it on, or there was none
    this.#changed()
    let given = false
    return () => {
      if (given) return
      given = true
      const next = this.#waiting.shift()
      if (next) next()
      else this.#turn = undefined
      this.#changed()
    }
  }
}
