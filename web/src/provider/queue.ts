/** Queue runs one job after another. */
export class Queue {
  #last: Promise<unknown> = Promise.resolve()
  #length = 0

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
        reject(given())
      }
      signal?.addEventListener('abort', giveUp, { once: true })
      this.#length++
      this.#last = this.#last.then(async () => {
        signal?.removeEventListener('abort', giveUp)
        try {
          if (!out) resolve(await job())
        } catch (thrown) {
          reject(thrown)
        } finally {
          this.#length--
        }
      })
    })
  }
}
