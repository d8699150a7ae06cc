// The request window: a window of its own for each request that the user has to see.

import { type ErrorCode, ImKeyError } from 'imkey-connect'
import type { Answer, Outcome, Progress, Review, State as BrokerState } from 'imkey-connect/broker'
import { type State, unreached } from '../../ui/request/state'
import type { FromRequest, ToRequest } from './ports'
import { carriedOut } from './tasks'

/** The size of the window, in CSS pixels. */
const [width, height] = [420, 720]

/** How long a window may take to load, in milliseconds. Then it is given up. */
const loading = 20_000

interface Screen {
  readonly review: Review
  readonly answer: (answer: Answer) => void
  readonly fail: (error: unknown) => void
  state: State
  answered: boolean
  port?: chrome.runtime.Port
  window?: number
}

/** Screens shows one request after another, each in a window of its own. A window that is closed rejects its request. */
export class Screens {
  readonly #cancel: (id: string) => void
  readonly #broker: () => BrokerState | undefined
  readonly #paused = new Map<string, Screen>()
  #screen: Screen | undefined
  #told = false // that the device is not there
  #lost: string | undefined // the code for the window that says so, until it has loaded

  /** cancel cancels what the device asks for a request. broker gives the broker's state, once there is one. */
  constructor(cancel: (id: string) => void, broker: () => BrokerState | undefined) {
    this.#cancel = cancel
    this.#broker = broker
  }

  /** ask is that of a broker's Shell. */
  ask(review: Review, signal: AbortSignal): Promise<Answer> {
    return new Promise<Answer>((resolve, reject) => {
      const screen: Screen = { review, answer: resolve, fail: reject, state: this.#asking(review), answered: false }
      this.#screen = screen
      this.#told = false
      signal.addEventListener('abort', () => {
        reject(closed())
        this.#leave(screen)
      })
      const timer = setTimeout(() => {
        if (screen.port || this.#screen !== screen) return
        reject(closed())
        this.#leave(screen)
      }, loading)
      carriedOut({ do: 'window', url: `request.html#${review.id}`, width, height }).then(
        (window) => {
          screen.window = window as number
          if (this.#screen !== screen) this.#close(screen)
        },
        (thrown: unknown) => {
          clearTimeout(timer)
          reject(thrown)
          this.#leave(screen)
        },
      )
    })
  }

  /** connect takes the port of a request window. A window that belongs to no request, or a second one for a request, closes. */
  connect(port: chrome.runtime.Port) {
    const post = (message: ToRequest) => port.postMessage(message)
    port.onMessage.addListener((message) => {
      const said = message as FromRequest
      if ('id' in said) {
        if (said.id === unreached.id && this.#lost !== undefined) {
          post({ show: { name: 'failed', review: unreached, code: this.#lost as ErrorCode } })
          this.#lost = undefined
          return
        }
        const screen = this.#screen
        if (!screen || screen.review.id !== said.id || screen.port) return post({ close: true })
        screen.port = port
        return post({ show: screen.state })
      }
      const screen = this.#of(port)
      if (!screen) return
      if ('cancel' in said) {
        if (said.cancel === screen.review.id) this.#cancel(said.cancel)
      } else if (said.answer.id === screen.review.id && !screen.answered) {
        screen.answered = true
        if (screen.review.what.kind !== 'calls-status') this.#show(screen, said.answer.yes ? 'sending' : 'rejected')
        screen.answer(said.answer)
        if (!said.answer.yes) this.#leave(screen)
      }
    })
    port.onDisconnect.addListener(() => {
      const screen = this.#of(port)
      if (!screen) return
      this.#forget(screen)
      // A window whose process ended stays open and shows nothing.
      this.#close(screen)
      if (screen.answered) this.#cancel(screen.review.id)
      else screen.fail(closed())
    })
  }

  /** removed notes that a window is gone. Of one whose page has loaded, its port says so. */
  removed(window: number) {
    const screen = this.#screen
    if (!screen || screen.window !== window || screen.port) return
    screen.fail(closed())
    this.#leave(screen)
  }

  /** device is that of a broker's Shell. */
  device({ state, reason, review, screen: shown }: Progress) {
    const screen = this.#screen
    if (!screen || screen.review.id !== review) return
    if (reason === 'choose-device' || reason === 'pair') {
      // A tab goes on. The window would be in its way.
      if (state === 'waiting') this.#leave(screen)
    } else if (screen.answered) {
      this.#set(
        screen,
        state === 'waiting'
          ? { name: 'device', review: screen.review, ...(shown && { screen: shown }) }
          : { name: 'sending', review: screen.review },
      )
    }
  }

  /** paused is that of a broker's Shell. The window stays, and its user can cancel. */
  paused({ id }: Review) {
    const screen = this.#screen
    if (screen?.review.id !== id) return
    this.#paused.set(id, screen)
    this.#screen = undefined
  }

  /** resumed is that of a broker's Shell. */
  async resumed({ id }: Review) {
    const screen = this.#paused.get(id)
    if (!screen) return
    this.#paused.delete(id)
    this.#screen = screen
    this.raise()
  }

  /** settled is that of a broker's Shell. A failure stays on the screen until the user has read it. */
  settled(review: Review, outcome: Outcome) {
    const screen = this.#screen?.review.id === review.id ? this.#screen : this.#paused.get(review.id)
    if (!screen) return
    const quiet = outcome.done || outcome.code === undefined || outcome.code === 'user-rejected' || outcome.code === 'aborted'
    if (quiet) return this.#leave(screen)
    const { code, reason } = outcome
    this.#set(screen, { name: 'failed', review, code: code as ErrorCode, ...(reason !== undefined && { reason }) })
    this.#forget(screen)
  }

  /**
   * unreached is that of a broker's Shell. It opens a window once, until a request reaches the device again: one that fails at once must not
   * open windows as often as a site asks.
   */
  unreached(code: string) {
    if (this.#screen || this.#told) return
    this.#told = true
    this.#lost = code
    void carriedOut({ do: 'window', url: `request.html#${unreached.id}`, width, height }).catch(() => {}) // the site has the error all the same
  }

  /** raise brings the window to the front. */
  raise() {
    const window = this.#screen?.window
    if (window !== undefined) void carriedOut({ do: 'raise', window }).catch(() => {}) // it was closed
  }

  /** changed tells the window that the queue behind its request changed. */
  changed() {
    const screen = this.#screen
    if (screen && !screen.answered) this.#set(screen, this.#asking(screen.review))
  }

  #asking(review: Review): State {
    const { queue = [], permissions = [] } = this.#broker() ?? {}
    return { name: 'asking', review, waiting: queue.slice(1), known: permissions.map(({ origin }) => origin) }
  }

  #show(screen: Screen, name: 'sending' | 'rejected') {
    this.#set(screen, { name, review: screen.review })
  }

  #set(screen: Screen, state: State) {
    screen.state = state
    screen.port?.postMessage({ show: state } satisfies ToRequest)
  }

  /** #leave closes the window of a request that needs it no more. */
  #leave(screen: Screen) {
    this.#forget(screen)
    this.#close(screen)
  }

  #forget(screen: Screen) {
    if (this.#screen === screen) this.#screen = undefined
    this.#paused.delete(screen.review.id)
  }

  #of(port: chrome.runtime.Port): Screen | undefined {
    return [this.#screen, ...this.#paused.values()].find((screen) => screen?.port === port)
  }

  #close({ port, window }: Screen) {
    try {
      port?.postMessage({ close: true } satisfies ToRequest)
    } catch {
      // it is closed
    }
    if (window !== undefined) void carriedOut({ do: 'close', window }).catch(() => {}) // the same
  }
}

const closed = () => new ImKeyError('user-rejected', 'The request window was closed without an answer.')
