import type { HistoryEvent, TraceEvent } from '../../ui/simulator/control'
import { moments, sequence, type Make, type Note } from '../../ui/simulator/sequence'
import { preferred } from '../../ui/words/language'
import { languageTag, type Language } from '../../ui/words/text'
import { trace as words } from '../../ui/words/trace'
import style from './report.css?text'

/** Failed is what a report is made of. */
export interface Failed {
  readonly title: string
  readonly error?: string | undefined
  readonly notes: readonly Note[]
  /** What the simulator knows, or null if it had ended. */
  readonly simulator: { readonly trace: readonly TraceEvent[]; readonly history: readonly HistoryEvent[] } | null
  /** That of the machine without it. */
  readonly language?: Language
}

/**
 * report returns one HTML file for a failed test: the screens, the pages' pictures, the exchange in words, and the faults that were
 * armed. It needs no server and runs no script.
 */
export function report({ title, error = '', notes, simulator, language = ofMachine() }: Failed): string {
  const list = moments(simulator?.trace ?? [], simulator?.history ?? [], { notes })
  const start = list[0]?.time ?? 0
  const diagram = sequence(markup, list, language, (time) => `${((time - start) / 1000).toFixed(3)} s`)
  return `<!doctype html>
<html lang="${languageTag[language]}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>${escape(title)}</title><style>${style}</style></head><body><main class="report">
<h1>${escape(title)}</h1>
${error && `<div class="error">${escape(error)}</div>`}${simulator ? '' : `<p>${escape(words.lost[language])}</p>`}
${diagram.html}
</main></body></html>
`
}

function ofMachine(): Language {
  return preferred([Intl.DateTimeFormat().resolvedOptions().locale])
}

/** Markup is HTML, which a text is not. */
interface Markup {
  readonly html: string
}

const markup: Make<Markup> = (tag, attributes, ...children) => {
  const open = [tag, ...Object.entries(attributes).map(([name, value]) => `${name}="${escape(value)}"`)].join(' ')
  const inside = children.map((child) => (typeof child === 'string' ? escape(child) : child.html)).join('')
  return { html: tag === 'img' ? `<${open}>` : `<${open}>${inside}</${tag}>${tag === 'li' ? '\n' : ''}` }
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}
