// The help: what the extension does, and what to do where something does not work.

import { help as words } from '../../ui/words/extension'
import { h } from '../../ui/blocks/dom'
import { Page } from '../../ui/blocks/page'

const page = new Page(words.title)
page.onLanguage(draw)
draw()

function draw(): void {
  page.main.replaceChildren(
    h('h1', {}, words.title[page.language]),
    ...words.parts.map(({ title, text }) =>
      h('section', { class: 'card' }, h('h2', {}, title[page.language]), h('p', {}, text[page.language])),
    ),
  )
}
