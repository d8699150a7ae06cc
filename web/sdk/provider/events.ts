/** Events are listeners by name, as EIP-1193 wants them: the payload is the argument. */
export class Events {
  readonly #listeners = new Map<string, Listener[]>()

  add(name: string, listener: Listener) {
    if (typeof listener !== 'function') throw new TypeError('the listener is no function')
    // A list that is being told is never changed: a listener that removes another does not make a third one miss it.
    this.#listeners.set(name, [...this.#listeners.get(name) ?? [], listener])
  }

  /** Of a listener that was added twice, one goes. */
  remove(name: string, listener: Listener) {
    const list = this.#listeners.get(name) ?? []
    const at = list.findLastIndex(each => each === listener || (each as Once).of === listener)
    if (at >= 0) this.#listeners.set(name, list.filter((_, i) => i !== at))
  }

  once(name: string, listener: Listener) {
    const told: Once = payload => {
      this.remove(name, told)
      listener(payload)
    }
    told.of = listener
    if (typeof listener !== 'function') throw new TypeError('the listener is no function')
    this.add(name, told)
  }

  emit(name: string, payload: unknown) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(payload)
      } catch (thrown) {
        // The page's own fault, which is the page's to hear of; the others are told all the same.
        queueMicrotask(() => { throw thrown })
      }
    }
  }
}

export type Listener = (payload: any) => void

interface Once extends Listener {
  of?: Listener
}
