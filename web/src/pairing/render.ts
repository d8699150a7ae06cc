import { advice, type Surroundings } from '../i18n/errors'
import { pairing as words, wrongCode } from '../i18n/pairing'
import type { Language, Text } from '../i18n/text'
import { danger, primary, quiet, secondary } from './buttons'
import type { CodeInput } from './codeinput'
import { h, type Child } from './dom'
import { draw, type Picture } from './drawing'
import { manageBinding, type ForgetHandlers, type ManageHandlers } from './manage'
import { damaged, type DeviceFacts, type State } from './state'

/** Handlers are what a person can do. */
export interface Handlers {
  connect(): void
  connectSimulated(): void
  another(): void
  goOn(): void
  submit(): void
  showAgain(): void
  cancel(): void
  leave(): void
  retry(): void
  copyReport(): void
  /** Left out where bindings are not managed. */
  readonly manage?: ManageHandlers
  /** Where they are not, a damaged one can still be forgotten. */
  readonly forgetting?: ForgetHandlers
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
  /** The boxes and the switch below them, kept from one state with boxes to the next. No switch: nothing to choose. */
  readonly code: CodeInput
  readonly keep: HTMLInputElement | null
  /** Where the code is that this browser keeps, while it is shown. */
  readonly revealed: HTMLElement
}

/** Rendered is one state as elements. */
export interface Rendered {
  readonly element: HTMLElement
  /** Where the focus goes, or 'code' for the boxes; null leaves it where it is. */
  readonly focus: HTMLElement | 'code' | null
  /** What a screen reader is told, and whether at once. */
  readonly announcement: string
  readonly urgent: boolean
}

/** render draws a state. The same state and context give the same elements; nothing is read from elsewhere. */
export function render(state: State, context: Context): Rendered {
  const { language, handlers } = context
  const t = (text: Text) => text[language]
  const frame = new Frame(state, context)

  switch (state.name) {
    case 'unsupported': {
      const insecure = state.reason === 'insecure-context'
      frame.heading(insecure ? words.insecureTitle : words.unsupportedTitle)
      frame.lead(insecure ? words.insecureLead : words.unsupportedLead)
      if (!insecure) {
        frame.add(h('ul', { class: 'list' }, h('li', {}, t(words.unsupportedDesktop)), h('li', {}, t(words.unsupportedAndroid))))
      }
      if (context.simulator) {
        frame.actions(primary('connect-simulated', t(words.trySimulated), handlers.connectSimulated))
      } else {
        frame.add(
          h('p', {}, t(words.runSimulator)),
          h('pre', { class: 'snippet', translate: 'no' }, 'go run ./devicesim/cmd/imkeysim'),
        )
      }
      return frame.rendered()
    }

    case 'start': {
      frame.heading(words.title)
      frame.lead(state.forgotten ? words.forgotten : words.startLead)
      frame.actions(
        primary('connect', t(words.connect), handlers.connect),
        context.simulator && secondary('connect-simulated', t(words.trySimulated), handlers.connectSimulated),
      )
      frame.add(
        h(
          'details',
          { class: 'more' },
          h('summary', {}, t(words.whatIsThis)),
          h('p', {}, t(words.whatIsThisText)),
          h('p', {}, t(words.whatIsThisCode)),
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

    case 'elsewhere':
      frame.heading(words.elsewhereTitle)
      frame.warning(words.elsewhereLead)
      frame.add(h('p', {}, t(words.elsewhereCode)))
      frame.actions(
        primary('go-on', t(words.elsewhereGoOn), handlers.goOn),
        secondary('stop', t(words.stop), handlers.leave),
      )
      return frame.rendered()

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
          state.source === 'screen' && quiet('show-again', t(words.showAgain), handlers.showAgain),
          quiet('stop', t(words.stop), handlers.leave),
        ),
        h(
          'details',
          { class: 'more' },
          h('summary', {}, t(words.notShown)),
          h('p', {}, t(state.source === 'screen' ? words.notShownText : words.notShownElsewhere)),
          h('p', {}, t(words.notShownLost)),
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

    case 'forget': {
      frame.heading(state.going ? words.forgetting : state.damage ? words.forgetDamagedTitle : words.forgetTitle)
      frame.add(h('dl', { class: 'card' }, row(words.serial, state.serial, language)))
      if (state.going) {
        frame.progress()
        return frame.rendered()
      }
      if (state.damage === 'device-mismatch') frame.warning(words.forgetMismatch)
      frame.warning(words.forgetLead)
      frame.add(h('p', {}, t(words.forgetWallet)))
      const forgetting = handlers.manage ?? handlers.forgetting
      frame.actions(
        forgetting && danger('forget-now', t(words.forgetNow), forgetting.forgetNow),
        forgetting && secondary('keep-binding', t(words.keepBinding), forgetting.keepBinding),
      )
      return frame.rendered()
    }

    case 'error': {
      const { what, next, snippet, calm } = advice(state.code, context.surroundings)
      const retry = primary('retry', t(words.tryAgain), handlers.retry)
      const forgetting = handlers.manage ?? handlers.forgetting
      frame.heading(what, null, calm ? '' : 'heading-error')
      frame.lead(next)
      if (snippet) frame.add(h('pre', { class: 'snippet', translate: 'no', tabindex: 0 }, snippet))
      frame.actions(
        retry,
        forgetting && damaged(state.code) && secondary('forget', t(words.forgetBinding), forgetting.forget),
        secondary('copy-report', t(words.copyReport), handlers.copyReport),
      )
      frame.add(
        h('p', { class: 'error-code' }, `${t(words.errorCode)} `, h('code', { translate: 'no' }, state.code)),
      )
      frame.element.setAttribute('data-error', state.code)
      return { ...frame.rendered(retry), urgent: !calm }
    }
  }
}

/** Frame gathers the parts that all states have: the picture, a heading, a sentence, the buttons. */
class Frame {
  readonly element: HTMLElement
  #heading: HTMLElement | null = null
  #spoken: string[] = []

  constructor(
    state: State,
    private readonly context: Context,
  ) {
    this.element = h('section', { class: 'state', 'data-state': state.name }, draw(pictureOf(state), context.language))
  }

  heading(text: Text, mark: Child = null, extra = ''): void {
    const words = text[this.context.language]
    this.#heading = h('h1', { tabindex: -1, class: extra || null }, mark, words)
    this.#spoken.push(words)
    this.element.append(this.#heading)
  }

  lead(text: Text): void {
    const words = text[this.context.language]
    this.#spoken.push(words)
    this.element.append(h('p', { class: 'lead' }, words))
  }

  warning(text: Text): void {
    const words = text[this.context.language]
    this.#spoken.push(words)
    this.element.append(h('div', { class: 'note note-warning' }, h('p', {}, words)))
  }

  add(...children: Node[]): void {
    this.element.append(...children)
  }

  /** progress says that something goes on; how far it is nobody knows. */
  progress(): void {
    this.add(h('div', { class: 'progress', 'aria-hidden': 'true' }))
  }

  actions(...buttons: Child[]): void {
    this.add(h('div', { class: 'actions' }, ...buttons))
  }

  spoken(): string {
    return this.#spoken.join(this.context.language === 'zh' ? '。' : '. ').replace(/([.。:：?？])[.。]\s?/g, '$1 ')
  }

  rendered(focus: HTMLElement | null = this.#heading): Rendered {
    return { element: this.element, focus, announcement: this.spoken(), urgent: false }
  }
}

/** pictureOf is what the drawn device shows in a state. Device screens speak English. */
export function pictureOf(state: State): Picture {
  switch (state.name) {
    case 'unsupported':
    case 'start':
    case 'choosing':
      return { lines: [], plugged: false }
    case 'opening':
    case 'recognised':
    case 'unverified':
    case 'elsewhere':
      return { lines: ['imKey'], plugged: true }
    case 'waiting':
      return state.reason === 'locked'
        ? { lines: ['Enter PIN', '* * * *'], plugged: true, attention: true }
        : { lines: ['> Settings', '  About'], plugged: true, attention: true }
    case 'code':
    case 'wrong':
      return { lines: state.source === 'screen' ? ['Binding code', '• • • • • • • •'] : ['imKey'], plugged: true }
    case 'stopping':
      return { lines: ['imKey'], plugged: true }
    case 'checking':
      return state.attention
        ? { lines: ['Confirm?', 'OK / cancel'], plugged: true, attention: true }
        : { lines: ['Binding...'], plugged: true }
    case 'bound':
      if (state.manage === 'on-screen') return { lines: ['Binding code', '• • • • • • • •'], plugged: true }
      return { lines: state.plugged ? ['Bound'] : [], plugged: state.plugged }
    case 'forget':
      return { lines: ['imKey'], plugged: true }
    case 'error': {
      const plugged = !['device-disconnected', 'no-device', 'request-cancelled', 'unsupported'].includes(state.code)
      return { lines: plugged ? ['imKey'] : [], plugged }
    }
  }
}

function messageOf(state: Extract<State, { name: 'code' | 'wrong' }>): Text | null {
  if (state.name === 'wrong') return wrongCode(state.source, state.triesLeft)
  switch (state.notice) {
    case 'shown-again':
      return words.shownAgain
    case 'aborted':
      return words.aborted
    case 'code-format':
      return advice('code-format', { platform: 'other', framed: false }).what
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

/** deviceCard says which device this is; folded, it is one line and its details. */
function deviceCard(device: DeviceFacts, language: Language, folded = false): HTMLElement {
  const t = (text: Text) => text[language]
  const verified = device.certificate === 'verified'
  const battery = device.charging ? t(words.charging) : device.battery === null ? null : `${device.battery} %`
  const badge = h(
    'span',
    { class: verified ? 'badge badge-verified' : 'badge badge-unverified', 'data-certificate': device.certificate },
    t(verified ? words.verified : words.unverified),
  )
  const rest = [
    row(words.bootloader, device.bootloader, language),
    row(words.bluetoothName, device.bleName, language),
    row(words.bluetoothVersion, device.bleVersion, language),
  ]
  const title = h('div', { class: 'card-title' }, h('strong', { translate: 'no' }, 'imKey'), badge)
  if (folded) {
    return h(
      'div',
      { class: 'card' },
      title,
      h('dl', {}, row(words.serial, device.serial, language)),
      !verified && h('p', { class: 'quiet' }, t(words.acceptedUnverified)),
      h(
        'details',
        { class: 'more' },
        h('summary', {}, t(words.details)),
        h('dl', {}, row(words.firmware, device.firmware, language), row(words.battery, battery, language), ...rest),
      ),
    )
  }
  return h(
    'div',
    { class: 'card' },
    title,
    h(
      'dl',
      {},
      row(words.serial, device.serial, language),
      row(words.firmware, device.firmware ?? t(words.unknown), language),
      row(words.battery, battery ?? t(words.unknown), language),
    ),
    rest.some((r) => r !== null) &&
      h('details', { class: 'more' }, h('summary', {}, t(words.details)), h('dl', {}, ...rest)),
  )
}

function row(name: Text, value: string | null, language: Language): HTMLElement | null {
  return value === null ? null : h('div', { class: 'row' }, h('dt', {}, name[language]), h('dd', { translate: 'no' }, value))
}

function tickMark(): HTMLElement {
  return h('span', { class: 'tick-mark', 'aria-hidden': 'true' })
}
