// A button that sends something to the device acts only if the user saw the screen: it was visible and focused for a while without
// interruption, and the press began after that. So a click that was meant for another window, a double click or a key that was held down when
// this window came up does nothing.

/** How long the screen has to be visible and focused, in milliseconds. */
export const lookFor = 500

/** Sight tells whether the user can see the screen. A browser implements it by `browserSight`. */
export interface Sight {
  /** Whether the document is visible and has the focus. */
  attended(): boolean
  /** Calls f whenever that may have changed. It returns a function that stops this. */
  watch(f: () => void): () => void
}

/** Attention says when the user has seen an element for long enough. */
export class Attention {
  readonly #sight: Sight
  readonly #changed: (ready: boolean) => void
  readonly #stop: () => void
  #timer: ReturnType<typeof setTimeout> | undefined
  #inView = true
  #ready = false

  /** changed is called when ready becomes true or false. */
  constructor(sight: Sight, changed: (ready: boolean) => void) {
    this.#sight = sight
    this.#changed = changed
    this.#stop = sight.watch(() => this.#check())
    this.#check()
  }

  /** ready is true if the element has been seen for half a second and still is. */
  get ready(): boolean {
    return this.#ready && this.#seen
  }

  /** inView says whether the element is drawn in full, with nothing over it. */
  inView(yes: boolean): void {
    this.#inView = yes
    this.#check()
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#ready = false
    this.#stop()
  }

  get #seen(): boolean {
    return this.#inView && this.#sight.attended()
  }

  #check(): void {
    if (!this.#seen) {
      clearTimeout(this.#timer)
      this.#timer = undefined
      this.#set(false)
    } else if (!this.#ready && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        // A window that lost the focus without an event is not ready.
        if (this.#seen) this.#set(true)
        else this.#check()
      }, lookFor)
    }
  }

  #set(ready: boolean): void {
    if (ready === this.#ready) return
    this.#ready = ready
    this.#changed(ready)
  }
}

/** browserSight watches this document. */
export const browserSight: Sight = {
  attended: () => document.visibilityState === 'visible' && document.hasFocus(),
  watch: (f) => {
    const stop = new AbortController()
    const { signal } = stop
    for (const event of ['focus', 'blur', 'pageshow', 'pagehide']) addEventListener(event, f, { signal })
    for (const event of ['visibilitychange', 'freeze', 'resume']) document.addEventListener(event, f, { signal })
    return () => stop.abort()
  },
}

/**
 * observe calls f with whether an element is drawn in full. Browsers with IntersectionObserver v2 also say whether something covers it, or an
 * effect such as opacity hides it.
 */
export function observe(element: Element, f: (inView: boolean) => void): () => void {
  // TypeScript's library does not know version 2.
  const options = { threshold: [0, 0.5, 0.9, 1], trackVisibility: true, delay: 100 } as IntersectionObserverInit
  const observer = new IntersectionObserver((entries) => {
    const last = entries.at(-1)
    if (!last) return
    const { isVisible = true } = last as IntersectionObserverEntry & { isVisible?: boolean }
    f(last.isIntersecting && last.intersectionRatio >= 0.9 && isVisible)
  }, options)
  observer.observe(element)
  return () => observer.disconnect()
}

/**
 * deliberately makes a button call press only for a press that began while allowed was true: one click, or one press of a key that was not
 * held down. Assistive programs click without a pointer and without a key.
 */
export function deliberately(button: HTMLElement, allowed: () => boolean, press: () => void): void {
  let began = false
  button.addEventListener('pointerdown', () => (began = allowed()))
  button.addEventListener('pointercancel', () => (began = false))
  button.addEventListener('keydown', (event) => {
    if ((event.key === 'Enter' || event.key === ' ') && (event.repeat || !allowed())) event.preventDefault() // no click follows
  })
  button.addEventListener('click', (event) => {
    const pointed = event.detail > 0
    const meant = allowed() && (!pointed || (began && event.detail === 1))
    began = false
    if (meant) press()
  })
}
