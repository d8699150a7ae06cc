/** The name of the lock that all windows of one connector share. */
const name = 'imkey-connector request'

/**
 * Turn lets one window of the connector ask the user at a time. Each tab with a dApp opens a window of its own, and all of them use one
 * device. The browser gives the lock in the order in which windows asked for it, and takes it back from a window that is closed.
 */
export class Turn {
  #release: (() => void) | undefined

  /** take waits for this window's turn. waits is called if another window has it. It rejects when the signal aborts. */
  async take(signal: AbortSignal, waits: () => void): Promise<void> {
    if (this.#release || !('locks' in navigator)) return
    const taken = (lock: Lock | null) => {
      if (!lock) return undefined
      return new Promise<void>((release) => {
        this.#release = release
        got()
      })
    }
    let got = () => {}
    let none: (reason: unknown) => void = () => {}
    const turn = new Promise<void>((resolve, reject) => {
      got = resolve
      none = reject
    })
    const busy = await navigator.locks.query().then(({ held = [] }) => held.some((lock) => lock.name === name))
    if (busy) waits()
    navigator.locks.request(name, { signal }, taken).catch(none)
    await turn
  }

  /** give ends the turn. */
  give(): void {
    this.#release?.()
    this.#release = undefined
  }
}
