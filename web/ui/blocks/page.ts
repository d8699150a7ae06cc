import { common } from '../words/common'
import { choose, chosen } from '../words/language'
import { languageName, languages, languageTag, type Language, type Text } from '../words/text'
import { h } from './dom'

/** Link leads to another page that the simulator serves. */
export interface Link {
  readonly href: string
  readonly text: Text
}

/** Page is what every page has around its content: the name, the language switch, the simulator's banner. */
export class Page {
  language: Language = chosen()
  readonly main = h('main', { id: 'main' })
  readonly #banner = h('div', { class: 'banner-slot' })
  readonly #switch = h('div', { class: 'languages', role: 'group' })
  readonly #listeners: ((language: Language) => void)[] = []
  #links: readonly Link[] = []
  #inUse = false

  /** The name leads to the page that the attribute data-home of the document names, or to the connect page of the site. */
  constructor(private readonly title: Text) {
    const home = document.documentElement.dataset['home'] ?? '/'
    document.body.append(
      h('header', { class: 'top' }, h('a', { class: 'name', href: home, translate: 'no' }, 'imKey Connect'), this.#switch),
      this.#banner,
      this.main,
    )
    this.#draw()
  }

  /** Calls the listener whenever the user chooses a language. */
  onLanguage(listener: (language: Language) => void): void {
    this.#listeners.push(listener)
  }

  /** Shows the simulator's banner: the simulated device is in use, or it could be used. */
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

  /** Changes what the banner says, if there is one. */
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
