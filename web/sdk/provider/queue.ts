/** Queue runs one job after another. */
export class Queue {
  readonly #drained: () => Promise<void>
  #last: Promise<unknown> = Promise.resolve()
  #length = 0 // those who gave up are not counted

  /** drained is called when nothing is left to do, and has to end well. Only then does the last job settle. */
  constructor(drained: () => Promise<void>) {
    this.#drained = drained
  }

  /** idle says that nothing waits behind the job that asks. */
  get idle(): boolean {
    return this.#length <= 1
  }

  /** run settles as the job does. A signal that comes before the job's turn takes it out of the queue at once. */
  run<T>(signal: AbortSignal | undefined, given: () => unknown, job: () => Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      let out = false
      const giveUp = () => {
        out = true
        this.#length--
        reject(given())
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#length++
      this.#last = this.#last.then(async () => {
        signal?.removeEventListener('abort', giveUp)
        let settle = () => {}
        if (!out) {
          settle = await job().then(result => () => resolve(result), (thrown: unknown) => () => reject(thrown))
          this.#length--
        }
        if (this.#length === 0) await this.#drained()
        settle()
      })
    })
  }
}
