/** Events holds listeners by event name. As EIP-1193 says, a listener gets the payload as its argument. */
export class Events {
  readonly #listeners = new Map<string, Listener[]>()

  add(name: string, listener: Listener) {
    if (typeof listener !== 'function') throw new TypeError('the listener is not a function')
    // A new list each time: a listener that removes another one while an event is emitted must not make a third one miss it.
    this.#listeners.set(name, [...(this.#listeners.get(name) ?? []), listener])
  }

  /** remove removes one entry of a listener that was added twice. */
  remove(name: string, listener: Listener) {
    const list = this.#listeners.get(name) ?? []
    const at = list.findLastIndex((each) => each === listener || (each as Once).of === listener)
    if (at >= 0)
      this.#listeners.set(
        name,
        list.filter((_, i) => i !== at),
      )
  }

  once(name: string, listener: Listener) {
    const told: Once = (payload) => {
      this.remove(name, told)
      listener(payload)
    }
    told.of = listener
    if (typeof listener !== 'function') throw new TypeError('the listener is not a function')
    this.add(name, told)
  }

  emit(name: string, payload: unknown) {
    for (const listener of this.#listeners.get(name) ?? []) {
      try {
        listener(payload)
      } catch (thrown) {
        // An error of the page's own listener is reported to the page. The other listeners still get the event.
        queueMicrotask(() => {
          throw thrown
        })
      }
    }
  }
}

// oxlint-disable-next-line typescript/no-explicit-any -- each listener names the type of its event
export type Listener = (payload: any) => void

interface Once extends Listener {
  of?: Listener
}
