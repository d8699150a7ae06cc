import { h } from '../../ui/blocks/dom'

/** Tabs are a row of tabs over one panel. */
export interface Tabs<T extends string> {
  /** The beginning of the tabs' ids. */
  readonly id: string
  readonly label: string
  /** The id of the panel. */
  readonly panel: string
  readonly all: readonly T[]
  readonly selected: T
  readonly title: (tab: T) => string
  readonly choose: (tab: T) => void
  readonly class?: string
}

/** tabList draws tabs. The arrow keys go along them. After choose, the chosen tab gets the focus. */
export function tabList<T extends string>({ id, label, panel, all, selected, title, choose, class: kind = '' }: Tabs<T>): HTMLElement {
  const take = (tab: T) => {
    choose(tab)
    document.getElementById(`${id}-${tab}`)?.focus()
  }
  const step = (event: KeyboardEvent) => {
    const at = all.indexOf(selected)
    const to = { ArrowRight: at + 1, ArrowLeft: at + all.length - 1, Home: 0, End: all.length - 1 }[event.key]
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    take(all[to % all.length]!)
  }
  return h(
    'div',
    { class: `tabs ${kind}`.trim(), role: 'tablist', 'aria-label': label },
    ...all.map((tab) =>
      h(
        'button',
        {
          type: 'button',
          role: 'tab',
          class: 'tab',
          id: `${id}-${tab}`,
          [`data-${id}`]: tab,
          'aria-selected': String(tab === selected),
          'aria-controls': panel,
          tabindex: tab === selected ? 0 : -1,
          click: () => take(tab),
          keydown: (event) => step(event as KeyboardEvent),
        },
        title(tab),
      ),
    ),
  )
}
