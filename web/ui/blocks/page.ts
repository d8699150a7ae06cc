import { common } from '../words/common'
import { choose, chosen } from '../words/language'
import { languageName, languages, languageTag, type Language, type Text } from '../words/text'
import { h } from './dom'

/** Link is a way to another page of the simulator's. */
export interface Link {
  readonly href: string
  readonly text: Text
}

/** Page is what the pages have around their content: the name, the language switch, a banner of the simulator. */
export class Page {
  language: Language = chosen()
  readonly main = h('main', { id: 'main' })
  readonly #banner = h('div', { class: 'banner-slot' })
  readonly #switch = h('div', { class: 'languages', role: 'group' })
  readonly #listeners: ((language: Language) => void)[] = []
  #links: readonly Link[] = []
  #inUse = false

  constructor(private readonly title: Text) {
    document.body.append(
      h('header', { class: 'top' }, h('a', { class: 'name', href: '/', translate: 'no' }, 'imKey Connect'), this.#switch),
      this.#banner,
      this.main,
    )
    this.#draw()
  }

  /** onLanguage is called after the language was changed by hand. */
  onLanguage(listener: (language: Language) => void): void {
    this.#listeners.push(listener)
  }

  /** simulated shows the banner that says that the simulator's device is in use or, on a page for any imKey, that it could be. */
  simulated(inUse: boolean, ...links: readonly Link[]): void {
    this.#links = links
    this.#inUse = inUse
    this.#banner.hidden = false
    const t = (text: Text) => text[this.language]
    this.#banner.replaceChildren(
      h(
        'aside',
        { class: 'banner', 'data-banner': 'simulated' },
        h('p', {}, ...(inUse ? [h('strong', {}, t(common.simulated)), ' ', t(common.simulatedNote)] : [t(common.simulatorRuns)])),
        h(
          'div',
          { class: 'banner-links' },
          ...links.map((link) => h('a', { href: link.href, target: '_blank', rel: 'noopener' }, t(link.text))),
        ),
      ),
    )
  }

  /** simulatedInUse follows whether the device in use is the simulator's. */
  simulatedInUse(inUse: boolean): void {
    if (this.#banner.firstChild && inUse !== this.#inUse) this.simulated(inUse, ...this.#links)
  }

  #draw(): void {
    document.documentElement.lang = languageTag[this.language]
    document.title = this.title[this.language]
    this.#switch.setAttribute('aria-label', common.language[this.language])
    this.#switch.replaceChildren(
      ...languages.map((language) =>
        h(
          'button',
          {
            type: 'button',
            class: 'language',
            lang: languageTag[language],
            'data-language': language,
            'aria-pressed': String(language === this.language),
            click: () => this.#choose(language),
          },
          languageName[language],
        ),
      ),
    )
  }

  #choose(language: Language): void {
    if (language === this.language) return
    this.language = language
    choose(language)
    this.#draw()
    if (this.#banner.firstChild) this.simulated(this.#inUse, ...this.#links)
    for (const listener of this.#listeners) listener(language)
    this.#switch.querySelector<HTMLElement>(`[data-language="${language}"]`)?.focus()
  }
}
