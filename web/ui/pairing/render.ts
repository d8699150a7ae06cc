import type { Surroundings } from '../words/errors'
import { early } from '../words/errors.early.gen'
import { codeRule, pairing as words, wrongCode } from '../words/pairing'
import type { Language, Text } from '../words/text'
import { primary, quiet, secondary } from '../blocks/buttons'
import type { CodeInput } from './code-input'
import { deviceCard } from './card'
import { h } from '../blocks/dom'
import { View, type Rendered } from '../blocks/view'
import { boundSection, type ForgetHandlers, type ManageHandlers } from './bound-section'
import { pictureOf } from './picture'
import type { KnownFacts } from '../model/facts'
import type { ExceptionalState, State } from './state'

/** Handlers are what the user can do. */
export interface Handlers {
  readonly connect: () => void
  readonly connectSimulated: () => void
  readonly another: () => void
  readonly pick: (place: number) => void
  readonly takeOver: () => void
  readonly goOn: () => void
  readonly submit: () => void
  readonly showAgain: () => void
  readonly cancel: () => void
  readonly leave: () => void
  readonly retry: () => void
  readonly copyReport: () => void
  /** The actions on a binding, if the page manages bindings. */
  readonly manage?: ManageHandlers
  /** The actions to forget a binding that is of no use, on a page that does not manage bindings. */
  readonly forgetting?: ForgetHandlers
}

/** Entrances lead from the pairing to the management of devices. */
export interface Entrances {
  readonly importBinding: () => void
  readonly lost: () => void
  /** Draws the devices that this browser knows. */
  readonly known: (devices: readonly KnownFacts[], language: Language) => HTMLElement
}

/** Context is what the drawing depends on beside the state. */
export interface Context {
  readonly language: Language
  readonly surroundings: Surroundings
  /** Whether a simulator serves the page. */
  readonly simulator: boolean
  /** Whether the caller chose the device, so that the user cannot choose another one. */
  readonly given: boolean
  readonly handlers: Handlers
  /** Left out if the page has only the pairing. */
  readonly entrances?: Entrances | undefined
  /** The boxes and the switch to keep the code. They stay from one state with boxes to the next. Without a switch, it is null. */
  readonly code: CodeInput
  readonly keep: HTMLInputElement | null
  /** The element that contains the kept code while the code is shown. */
  readonly revealed: HTMLElement
}

/**
 * render draws a state of a first pairing; exceptional.ts draws the others. The same state and context give the same elements:
 * render reads nothing else.
 */
export function render(state: Exclude<State, ExceptionalState>, context: Context): Rendered {
  const { language, handlers } = context
  const t = (text: Text) => text[language]
  const view = new View(state, pictureOf(state), context)
  const { entrances } = context

  switch (state.name) {
    case 'start': {
      view.heading(words.title)
      view.lead(state.forgotten ? words.forgotten : words.startLead)
      view.actions(
        primary('connect', t(words.connect), handlers.connect),
        context.simulator && secondary('connect-simulated', t(words.trySimulated), handlers.connectSimulated),
      )
      view.add(
        state.devices && entrances?.known(state.devices, language),
        h(
          'div',
          {},
          entrances && h('div', { class: 'aside' }, quiet('import', t(words.importBinding), entrances.importBinding)),
          h(
            'details',
            { class: 'more' },
            h('summary', {}, t(words.whatIsThis)),
            h('p', {}, t(words.whatIsThisText)),
            h('p', {}, t(words.whatIsThisCode)),
          ),
        ),
      )
      return view.rendered()
    }

    case 'choosing':
      view.heading(words.choosingTitle)
      view.lead(words.choosingLead)
      view.add(h('p', { class: 'quiet' }, t(words.choosingEmpty)))
      view.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return view.rendered()

    case 'opening':
      view.heading(words.openingTitle)
      view.lead(words.openingLead)
      view.progress()
      view.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return view.rendered()

    case 'waiting':
      view.heading(state.reason === 'locked' ? words.lockedTitle : words.inMenuTitle)
      view.lead(early[state.reason].next)
      view.progress()
      view.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return view.rendered()

    case 'recognised': {
      const goOn = primary('go-on', t(words.goOn), handlers.goOn)
      view.heading(words.recognisedTitle)
      view.add(deviceCard(state.device, language))
      view.lead(words.recognisedLead)
      view.actions(
        goOn,
        context.given ? secondary('stop', t(words.stop), handlers.leave) : secondary('another', t(words.another), handlers.another),
      )
      return view.rendered(goOn)
    }

    case 'unverified': {
      const hint = h('p', { class: 'quiet', id: 'accept-hint', role: 'status', 'aria-live': 'polite' })
      const tick = h('input', { type: 'checkbox', id: 'accept', 'data-control': 'accept' })
      const goOn = primary('go-on', t(words.unverifiedGoOn), () => {
        if (tick.checked) handlers.goOn()
        else {
          hint.textContent = t(words.unverifiedTick)
          tick.focus()
        }
      })
      // The button is not disabled: a disabled button cannot say why.
      const follow = () => goOn.setAttribute('aria-disabled', String(!tick.checked))
      tick.addEventListener('change', () => {
        hint.textContent = ''
        follow()
      })
      follow()
      view.heading(words.unverifiedTitle)
      view.lead(words.unverifiedLead)
      view.add(
        h(
          'div',
          { class: 'note note-warning' },
          state.imported && h('p', {}, t(words.unverifiedImported)),
          h('p', {}, t(words.unverifiedRisk)),
          h('p', {}, t(words.unverifiedAdvice)),
        ),
        h('label', { class: 'tick' }, tick, h('span', {}, t(words.unverifiedAccept))),
        hint,
      )
      view.actions(goOn, secondary('stop', t(words.stop), handlers.leave))
      return view.rendered()
    }

    case 'code':
    case 'wrong': {
      view.heading(state.renew ? words.renewKey : words.codeTitle)
      view.lead(state.source === 'screen' ? words.codeLead : words.codeLeadWritten)
      if (state.renew) view.text(words.renewKeyLead, 'quiet')
      view.add(context.code.element)
      const message = messageOf(state)
      if (message) view.add(h('p', { class: state.name === 'wrong' ? 'message message-error' : 'message' }, t(message)))
      if (context.keep) view.add(keepSwitch(context.keep, language))
      view.actions(primary('bind', t(state.renew ? words.renewNow : words.bind), handlers.submit))
      view.add(
        h(
          'div',
          { class: 'aside' },
          state.source === 'screen'
            ? quiet('show-again', t(words.showAgain), handlers.showAgain)
            : entrances && quiet('lost', t(words.noCode), entrances.lost),
          quiet('stop', t(words.stop), handlers.leave),
        ),
        h(
          'details',
          { class: 'more' },
          h('summary', {}, t(words.notShown)),
          h('p', {}, t(state.source === 'screen' ? words.notShownText : words.notShownElsewhere)),
          // A device that is not bound yet shows its code without a reset.
          state.source === 'paper' && h('p', {}, t(words.notShownLost)),
        ),
      )
      return {
        ...view.rendered(),
        focus: 'code',
        announcement: message ? t(message) : view.spoken(),
        urgent: state.name === 'wrong',
      }
    }

    case 'checking':
      view.heading(state.attention ? words.waitingTitle : words.checkingTitle)
      view.lead(state.attention ? words.waitingLead : words.checkingLead)
      view.add(context.code.element)
      view.progress()
      view.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return view.rendered()

    case 'stopping':
      view.heading(words.stoppingTitle)
      view.lead(words.stoppingLead)
      view.add(context.code.element)
      view.progress()
      return view.rendered()

    case 'bound': {
      view.heading(words.boundTitle, tickMark())
      view.lead(state.fresh ? words.boundLead : words.boundAgain)
      if (state.fresh) {
        view.add(
          h(
            'div',
            { class: 'note' },
            h('h2', {}, t(words.adviceTitle)),
            h(
              'ul',
              { class: 'list' },
              h('li', {}, t(words.adviceWrite)),
              h('li', {}, t(words.advicePhoto)),
              h('li', {}, t(words.adviceOnline)),
            ),
            h('p', {}, t(words.adviceWhy)),
            state.kept &&
              state.plugged &&
              handlers.manage &&
              state.manage !== 'revealed' &&
              secondary('view-code-to-write', t(words.viewCode), handlers.manage.viewCode),
          ),
          h('p', { class: 'quiet' }, t(state.kept ? words.kept : words.notKept)),
        )
      }
      if (state.persisted === false) view.add(h('p', { class: 'note note-warning' }, t(words.notPersisted)))
      view.add(deviceCard(state.device, language, true))
      if (!state.plugged) view.add(h('p', { class: 'quiet' }, t(words.unpluggedNote)))
      const done = state.fresh
        ? primary('done', t(words.done), handlers.leave)
        : secondary('disconnect', t(words.disconnect), handlers.leave)
      const managing = handlers.manage && state.plugged ? boundSection(state, context.revealed, language, handlers.manage) : null
      if (managing) view.add(managing.element)
      view.actions(done)
      if (managing?.focus) return { ...view.rendered(managing.focus), announcement: managing.announcement }
      return view.rendered(state.fresh ? undefined : done)
    }
  }
}

/** unloaded draws what is shown if the code that draws the state could not be loaded. */
export function unloaded(state: State, { language, handlers }: Context): Rendered {
  const view = new View(state, pictureOf(state), { language })
  const retry = primary('retry', words.tryAgain[language], handlers.retry)
  view.heading(words.notLoaded)
  view.actions(retry)
  if (state.name === 'error') view.element.setAttribute('data-error', state.code)
  return { ...view.rendered(retry), urgent: true }
}

function messageOf(state: Extract<State, { name: 'code' | 'wrong' }>): Text | null {
  if (state.name === 'wrong') return wrongCode(state.source, state.triesLeft)
  switch (state.notice) {
    case 'shown-again':
      return words.shownAgain
    case 'aborted':
      return words.aborted
    case 'code-format':
      return codeRule.lookalike
    default:
      return null
  }
}

function keepSwitch(keep: HTMLInputElement, language: Language): HTMLElement {
  return h(
    'div',
    { class: 'keep' },
    h('label', { class: 'switch' }, h('span', {}, words.keep[language]), keep),
    h('p', { class: 'quiet', id: 'keep-text' }, words.keepText[language]),
  )
}

function tickMark(): HTMLElement {
  return h('span', { class: 'tick-mark', 'aria-hidden': 'true' })
}
