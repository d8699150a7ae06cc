/**
 * Revocation is a permission that the site gave back, from then until the connector knows of it. Its window may be closed, and the page may be
 * reloaded before it opens again, so the site's localStorage keeps the revocation. All tabs of the site share it.
 */
export class Revocation {
  readonly #key: string
  #held: string | null = null // where localStorage is blocked or full: this page alone has it
  #telling: Promise<void> | undefined

  /** coin is that of the permission. noted is called when another tab of the site gave the permission back. */
  constructor(url: string, coin: string, noted: () => void) {
    this.#key = `imkey-connect revoked ${coin} ${url}`
    globalThis.addEventListener?.('storage', ({ key }) => {
      if (key === this.#key && this.pending) noted()
    })
  }

  /** pending says whether the connector may not know of it yet. */
  get pending(): boolean {
    return this.#note !== null
  }

  note(): void {
    this.#held = crypto.randomUUID() // tells it from another one that follows while it is told
    try {
      localStorage.setItem(this.#key, this.#held)
      this.#held = null
    } catch {
      // It ends with the page.
    }
  }

  /** tell tells the connector by send, if there is something to tell. Those that call meanwhile wait for the same answer. */
  async tell(send: () => Promise<unknown>): Promise<void> {
    for (let note = this.#note; note !== null; note = this.#note) {
      const told = note
      await (this.#telling ??= send()
        .then(() => this.#forget(told))
        .finally(() => (this.#telling = undefined)))
    }
  }

  get #note(): string | null {
    return this.#held ?? stored(() => localStorage.getItem(this.#key))
  }

  #forget(note: string): void {
    if (this.#held === note) this.#held = null
    stored(() => {
      if (localStorage.getItem(this.#key) === note) localStorage.removeItem(this.#key)
      return null
    })
  }
}

function stored(read: () => string | null): string | null {
  try {
    return read()
  } catch {
    return null // it is blocked
  }
}
