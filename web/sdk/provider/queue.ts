/** Queue runs one job after another. */
export class Queue {
  readonly #drained: () => Promise<void>
  #last: Promise<unknown> = Promise.resolve()
  #length = 0 // without the jobs that were aborted

  /** drained is called when no job is left, and must not reject. The last job settles after it. */
  constructor(drained: () => Promise<void>) {
    this.#drained = drained
  }

  /** idle says whether no other job waits behind the one that runs. */
  get idle(): boolean {
    return this.#length <= 1
  }

  /** run settles as the job does. If the signal aborts before the job's turn, the job leaves the queue at once. */
  run<T>(signal: AbortSignal | undefined, given: () => unknown, job: () => Promise<T>): Promise<T> {
    if (signal?.aborted) return Promise.reject(given())
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
          settle = await job().then(
            (result) => () => resolve(result),
            (thrown: unknown) => () => reject(thrown),
          )
          this.#length--
        }
        if (this.#length === 0) await this.#drained()
        settle()
      })
    })
  }
}
