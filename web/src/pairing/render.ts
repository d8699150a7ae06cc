import type { Surroundings } from '../i18n/errors'
import { codeRule, pairing as words, wrongCode } from '../i18n/pairing'
import type { Language, Text } from '../i18n/text'
import { primary, quiet, secondary } from './buttons'
import type { CodeInput } from './codeinput'
import { deviceCard } from './card'
import { h } from './dom'
import { Frame, type Rendered } from './frame'
import { manageBinding, type ForgetHandlers, type ManageHandlers } from './manage'
import { pictureOf } from './picture'
import type { KnownFacts, Rare, State } from './state'

/** Handlers are what a person can do. */
export interface Handlers {
  connect(): void
  connectSimulated(): void
  another(): void
  pick(place: number): void
  takeOver(): void
  goOn(): void
  submit(): void
  showAgain(): void
  cancel(): void
  leave(): void
  retry(): void
  copyReport(): void
  /** Left out where bindings are not managed. */
  readonly manage?: ManageHandlers
  /** Where they are not, one that is of no use here can still be forgotten. */
  readonly forgetting?: ForgetHandlers
}

/** Entrances lead from a state to what another part of the page does. */
export interface Entrances {
  importBinding(): void
  lost(): void
  /** Draws the devices that this browser knows. */
  known(devices: readonly KnownFacts[], language: Language): HTMLElement
}

/** Context is what the rendering depends on beside the state. */
export interface Context {
  readonly language: Language
  readonly surroundings: Surroundings
  /** The page is served by a simulator. */
  readonly simulator: boolean
  /** The device was chosen before, and there is no other to choose. */
  readonly given: boolean
  readonly handlers: Handlers
  /** Left out where there is nothing but the pairing. */
  readonly entrances?: Entrances | undefined
  /** The boxes and the switch below them, kept from one state with boxes to the next. No switch: nothing to choose. */
  readonly code: CodeInput
  readonly keep: HTMLInputElement | null
  /** Where the code is that this browser keeps, while it is shown. */
  readonly revealed: HTMLElement
}

/** render draws a state that a first pairing may come to; rare.ts has the others. The same state and context give the same elements; nothing is read from elsewhere. */
export function render(state: Exclude<State, Rare>, context: Context): Rendered {
  const { language, handlers } = context
  const t = (text: Text) => text[language]
  const frame = new Frame(state, pictureOf(state), context)
  const { entrances } = context

  switch (state.name) {
    case 'start': {
      frame.heading(words.title)
      frame.lead(state.forgotten ? words.forgotten : words.startLead)
      frame.actions(
        primary('connect', t(words.connect), handlers.connect),
        context.simulator && secondary('connect-simulated', t(words.trySimulated), handlers.connectSimulated),
      )
      frame.add(
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
      return frame.rendered()
    }

    case 'choosing':
      frame.heading(words.choosingTitle)
      frame.lead(words.choosingLead)
      frame.add(h('p', { class: 'quiet' }, t(words.choosingEmpty)))
      frame.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return frame.rendered()

    case 'opening':
      frame.heading(words.openingTitle)
      frame.lead(words.openingLead)
      frame.progress()
      frame.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return frame.rendered()

    case 'waiting':
      frame.heading(state.reason === 'locked' ? words.lockedTitle : words.inMenuTitle)
      frame.lead(state.reason === 'locked' ? words.lockedLead : words.inMenuLead)
      frame.progress()
      frame.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return frame.rendered()

    case 'recognised': {
      const goOn = primary('go-on', t(words.goOn), handlers.goOn)
      frame.heading(words.recognisedTitle)
      frame.add(deviceCard(state.device, language))
      frame.lead(words.recognisedLead)
      frame.actions(
        goOn,
        context.given
          ? secondary('stop', t(words.stop), handlers.leave)
          : secondary('another', t(words.another), handlers.another),
      )
      return frame.rendered(goOn)
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
      // Not disabled: a disabled button cannot say why.
      const follow = () => goOn.setAttribute('aria-disabled', String(!tick.checked))
      tick.addEventListener('change', () => {
        hint.textContent = ''
        follow()
      })
      follow()
      frame.heading(words.unverifiedTitle)
      frame.lead(words.unverifiedLead)
      frame.add(
        h('div', { class: 'note note-warning' }, h('p', {}, t(words.unverifiedRisk)), h('p', {}, t(words.unverifiedAdvice))),
        h('label', { class: 'tick' }, tick, h('span', {}, t(words.unverifiedAccept))),
        hint,
      )
      frame.actions(goOn, secondary('stop', t(words.stop), handlers.leave))
      return frame.rendered()
    }

    case 'code':
    case 'wrong': {
      frame.heading(words.codeTitle)
      frame.lead(state.source === 'screen' ? words.codeLead : words.codeLeadWritten)
      frame.add(context.code.element)
      const message = messageOf(state)
      if (message) frame.add(h('p', { class: state.name === 'wrong' ? 'message message-error' : 'message' }, t(message)))
      if (context.keep) frame.add(keepSwitch(context.keep, language))
      frame.actions(primary('bind', t(words.bind), handlers.submit))
      frame.add(
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
          // Where nothing is bound yet, there is a code to be had without a reset.
          state.source === 'paper' && h('p', {}, t(words.notShownLost)),
        ),
      )
      return {
        ...frame.rendered(),
        focus: 'code',
        announcement: message ? t(message) : frame.spoken(),
        urgent: state.name === 'wrong',
      }
    }

    case 'checking':
      frame.heading(state.attention ? words.waitingTitle : words.checkingTitle)
      frame.lead(state.attention ? words.waitingLead : words.checkingLead)
      frame.add(context.code.element)
      frame.progress()
      frame.actions(secondary('cancel', t(words.cancel), handlers.cancel))
      return frame.rendered()

    case 'stopping':
      frame.heading(words.stoppingTitle)
      frame.lead(words.stoppingLead)
      frame.add(context.code.element)
      frame.progress()
      return frame.rendered()

    case 'bound': {
      frame.heading(words.boundTitle, tickMark())
      frame.lead(state.fresh ? words.boundLead : words.boundAgain)
      if (state.fresh) {
        frame.add(
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
      if (state.persisted === false) frame.add(h('p', { class: 'note note-warning' }, t(words.notPersisted)))
      frame.add(deviceCard(state.device, language, true))
      if (!state.plugged) frame.add(h('p', { class: 'quiet' }, t(words.unpluggedNote)))
      const done = state.fresh
        ? primary('done', t(words.done), handlers.leave)
        : secondary('disconnect', t(words.disconnect), handlers.leave)
      const managing = handlers.manage && state.plugged ? manageBinding(state, context.revealed, language, handlers.manage) : null
      if (managing) frame.add(managing.element)
      frame.actions(done)
      if (managing?.focus) return { ...frame.rendered(managing.focus), announcement: managing.announcement }
      return frame.rendered(state.fresh ? undefined : done)
    }

  }
}

/** unloaded draws what stands for a state that could not be loaded. */
export function unloaded(state: State, { language, handlers }: Context): Rendered {
  const frame = new Frame(state, pictureOf(state), { language })
  const retry = primary('retry', words.tryAgain[language], handlers.retry)
  frame.heading(words.notLoaded)
  frame.actions(retry)
  if (state.name === 'error') frame.element.setAttribute('data-error', state.code)
  return { ...frame.rendered(retry), urgent: true }
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
