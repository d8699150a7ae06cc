// A button that sends something to the device acts only if the user saw the screen: the window was visible, focused and large enough for a
// while without interruption, who asks and what happens were in view, and the press began after that. So a click that was meant for another
// window, a double click or a key that was held down when this window came up does nothing, and neither does a window that a site opened
// so small that only the button is seen.

/** How long the screen has to be visible and focused, in milliseconds. */
export const lookFor = 500

/** Obstacle is what keeps the user from seeing a request, although the window has the focus. */
export type Obstacle =
  /** The window is smaller than `least`. */
  | 'small'
  /** A part of the window is beyond the edge of the screen. */
  | 'off-screen'
  /** Who asks or what happens was not in view yet. */
  | 'unseen'

/** Sight tells whether the user can see the screen. A browser implements it by `windowSight`. */
export interface Sight {
  /** Whether the document is visible and has the focus. */
  attended(): boolean
  /** What is wrong with the window's size or place, which a site may have chosen. */
  obstacle(): Exclude<Obstacle, 'unseen'> | undefined
  /** Calls f whenever that may have changed. It returns a function that stops this. */
  watch(f: () => void): () => void
}

/** Held says whether a condition holds without interruption for as long as the user has to look. */
class Held {
  /** It held for that long, and with keep it may have ended since. */
  done = false
  readonly #holds: () => boolean
  readonly #keep: boolean
  readonly #changed: () => void
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(holds: () => boolean, keep: boolean, changed: () => void) {
    this.#holds = holds
    this.#keep = keep
    this.#changed = changed
  }

  check(): void {
    if (!this.#holds()) {
      this.stop()
      if (!this.#keep) this.done = false
    } else if (!this.done && this.#timer === undefined) {
      this.#timer = setTimeout(() => {
        this.#timer = undefined
        // A window that lost the focus without an event is not seen.
        if (this.#holds()) this.done = true
        this.#changed()
      }, lookFor)
    }
  }

  stop(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

/** Attention says when the user has seen an element, the button, and the texts that belong to it for long enough. */
export class Attention {
  readonly #sight: Sight
  readonly #changed: (ready: boolean, obstacle: Obstacle | undefined) => void
  readonly #stop: () => void
  readonly #button: Held
  readonly #texts: readonly Held[]
  readonly #shown: (boolean | undefined)[] // of the texts; undefined is not known yet
  #inView = true
  #ready = false
  #obstacle: Obstacle | undefined

  /** texts is the number of texts. changed is called when ready becomes true or false, and when another obstacle is in the way. */
  constructor(sight: Sight, texts: number, changed: (ready: boolean, obstacle: Obstacle | undefined) => void) {
    const check = () => this.#check()
    this.#sight = sight
    this.#changed = changed
    this.#shown = Array.from({ length: texts })
    this.#button = new Held(() => this.#inView && this.#attended, false, check)
    this.#texts = this.#shown.map((_, i) => new Held(() => this.#shown[i] === true && this.#attended, true, check))
    this.#stop = sight.watch(check)
    this.#check()
  }

  /** ready is true if the button has been seen for half a second and still is, and each text has been seen for half a second. */
  get ready(): boolean {
    return this.#ready && this.#inView && this.#attended
  }

  /** inView says whether the button is drawn in full, with nothing over it. */
  inView(yes: boolean): void {
    this.#inView = yes
    this.#check()
  }

  /** textInView says the same of a text, by its number. A text may be scrolled away once it was seen. */
  textInView(text: number, yes: boolean): void {
    this.#shown[text] = yes
    this.#check()
  }

  stop(): void {
    for (const held of [this.#button, ...this.#texts]) held.stop()
    this.#ready = false
    this.#stop()
  }

  get #attended(): boolean {
    return this.#sight.attended() && this.#sight.obstacle() === undefined
  }

  #check(): void {
    for (const held of [this.#button, ...this.#texts]) held.check()
    const ready = this.#button.done && this.#texts.every(({ done }) => done)
    const unseen = this.#texts.some(({ done }, i) => !done && this.#shown[i] === false)
    const obstacle = this.#sight.obstacle() ?? (unseen ? 'unseen' : undefined)
    if (ready === this.#ready && obstacle === this.#obstacle) return
    this.#ready = ready
    this.#obstacle = obstacle
    this.#changed(ready, obstacle)
  }
}

/** The least size of a window in which a request can be read, in CSS pixels. */
export const least = { width: 320, height: 480 }

/** What a window manager may take for a frame or put beyond an edge, in pixels. */
const frame = 16

/** Room is what a window says of its size and of the screen. availLeft and availTop are not in the standard. */
export interface Room extends Pick<Window, 'innerWidth' | 'innerHeight' | 'outerWidth' | 'outerHeight' | 'screenX' | 'screenY'> {
  readonly screen: Pick<Screen, 'availWidth' | 'availHeight'> & { readonly availLeft?: number; readonly availTop?: number }
}

/**
 * roomObstacle says what is wrong with a window's size or place. A window that fills the screen is large enough: on a small screen, or at a
 * high zoom, there is no larger one. The browser keeps the windows that sites place on the screen; a window manager need not.
 */
export function roomObstacle({ screen, ...window }: Room): Exclude<Obstacle, 'unseen'> | undefined {
  const { innerWidth, innerHeight, outerWidth, outerHeight, screenX, screenY } = window
  const { availWidth, availHeight, availLeft = 0, availTop = 0 } = screen
  if ((innerWidth < least.width && outerWidth < availWidth - frame) || (innerHeight < least.height && outerHeight < availHeight - frame)) {
    return 'small'
  }
  const [left, top] = [screenX - availLeft, screenY - availTop]
  /** How much of the window is on the screen. */
  const width = Math.min(left + outerWidth, availWidth) - Math.max(left, 0)
  const height = Math.min(top + outerHeight, availHeight) - Math.max(top, 0)
  const cut = width < Math.min(least.width, outerWidth - frame) || height < Math.min(least.height, outerHeight - frame)
  return cut || top < -3 * frame ? 'off-screen' : undefined // who asks is at the top
}

/** The time between two looks at where the window is, in milliseconds. Moving it makes no event. */
const pause = 500

/** pageSight watches this document, whose size is the site's own matter. */
export const pageSight: Sight = {
  attended: () => document.visibilityState === 'visible' && document.hasFocus(),
  obstacle: () => undefined,
  watch: (f) => {
    const stop = new AbortController()
    const { signal } = stop
    for (const event of ['focus', 'blur', 'pageshow', 'pagehide']) addEventListener(event, f, { signal })
    for (const event of ['visibilitychange', 'freeze', 'resume']) document.addEventListener(event, f, { signal })
    return () => stop.abort()
  },
}

/** windowSight watches this document and its window, which a site may have opened. */
export const windowSight: Sight = {
  ...pageSight,
  obstacle: () => roomObstacle({ ...pick(window), screen }),
  watch: (f) => {
    const stop = pageSight.watch(f)
    const timer = setInterval(f, pause)
    addEventListener('resize', f)
    return () => {
      stop()
      clearInterval(timer)
      removeEventListener('resize', f)
    }
  },
}

const pick = ({ innerWidth, innerHeight, outerWidth, outerHeight, screenX, screenY }: Window) => ({
  innerWidth,
  innerHeight,
  outerWidth,
  outerHeight,
  screenX,
  screenY,
})

/**
 * observe calls f with whether an element is drawn in full, or fills the view. Browsers with IntersectionObserver v2 also say whether something
 * covers it, or an effect such as opacity hides it.
 */
export function observe(element: Element, f: (inView: boolean) => void): () => void {
  // TypeScript's library does not know version 2.
  const options = { threshold: [0, 0.2, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1], trackVisibility: true, delay: 100 } as IntersectionObserverInit
  const observer = new IntersectionObserver((entries) => {
    const last = entries.at(-1)
    if (!last) return
    const { isVisible = true, intersectionRect, rootBounds } = last as IntersectionObserverEntry & { isVisible?: boolean }
    const fills = rootBounds !== null && intersectionRect.height >= rootBounds.height / 2
    f(last.isIntersecting && (last.intersectionRatio >= 0.9 || fills) && isVisible)
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
