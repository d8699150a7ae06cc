// Virtual time. Nothing waits: when all that can run has run, the clock goes on to the next timer.

const turn = () => new Promise(setImmediate)

/** Clock replaces the timers and the time of the program. */
export class Clock {
  now = 1_800_000_000_000
  #timers = new Map()
  #ids = 0

  constructor() {
    Date.now = () => this.now
    globalThis.setTimeout = (run, delay = 0, ...args) => this.#set(run, delay, args, true)
    globalThis.clearTimeout = (id) => this.#timers.delete(id)
    // The browser drops such a timer with its signal, so it does not count as left behind.
    AbortSignal.timeout = (delay) => {
      const controller = new AbortController()
      this.#set(() => controller.abort(new DOMException('The operation timed out.', 'TimeoutError')), delay, [], false)
      return controller.signal
    }
  }

  #set(run, delay, args, counts) {
    const id = ++this.#ids
    this.#timers.set(id, { at: this.now + Math.max(0, Number(delay) || 0), run, args, counts })
    return id
  }

  /** The timers of setTimeout that are still set. */
  get left() {
    return [...this.#timers.values()].filter(({ counts }) => counts).length
  }

  /** wait resolves after that time. */
  wait(delay) {
    return new Promise((resolve) => this.#set(resolve, delay, [], false))
  }

  /** until lets time pass until done() is true. It gives false if nothing is left that could happen, or after that many milliseconds. */
  async until(done, most) {
    const end = this.now + most
    for (;;) {
      await turn()
      if (done()) return true
      let next
      for (const entry of this.#timers) if (!next || entry[1].at < next[1].at) next = entry
      if (!next || next[1].at > end) {
        // Streams and similar sources may take more than one turn.
        for (let i = 0; i < 10; i++) await turn()
        if (done()) return true
        if ([...this.#timers.values()].some(({ at }) => at <= end)) continue
        return false
      }
      this.#timers.delete(next[0])
      this.now = Math.max(this.now, next[1].at)
      next[1].run(...next[1].args)
    }
  }

  /** pass lets that much time pass. */
  async pass(milliseconds) {
    const end = this.now + milliseconds
    await this.until(() => false, milliseconds)
    this.now = Math.max(this.now, end)
  }

  clear() {
    this.#timers.clear()
  }
}
