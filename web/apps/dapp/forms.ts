import { dapp as words } from '../../ui/words/dapp'
import type { Language, Text } from '../../ui/words/text'
import { h, type Child } from '../../ui/blocks/dom'
import {
  demoSpender,
  ownNode,
  parseUnits,
  sendTransaction,
  signMessage,
  signPermit,
  unlimited,
  type Kind,
  type Mistake,
  type Request,
} from './requests'
import { tabList } from './tabs'
import { chainName, firstNode, startNode, type Wallet } from './wallet'

const tabs = ['message', 'typed-data', 'transaction', 'chain'] as const
type Tab = (typeof tabs)[number]

const titles: Readonly<Record<Tab, Text>> = {
  'message': words.tabMessage,
  'typed-data': words.tabTypedData,
  'transaction': words.tabTransaction,
  'chain': words.tabChain,
}

const kinds: Readonly<Record<Kind, Text>> = {
  coins: words.kindCoins,
  tokens: words.kindTokens,
  approve: words.kindApprove,
  unknown: words.kindUnknown,
}

const mistakes: Readonly<Record<Mistake, Text>> = { to: words.addressForm, amount: words.amountForm, data: words.dataForm }

/** How long a permit is valid, in seconds. */
const hour = 3600

/** Forms are the requests that the user can make, one tab each. Their fields keep what is typed when they are drawn again. */
export class Forms {
  readonly element = h('section', { class: 'card forms' })
  readonly #hint = h('p', { class: 'message message-error', role: 'alert' })
  readonly #said = h('p', { class: 'message message-good', role: 'status', 'aria-live': 'polite' })
  readonly #message = h('textarea', { id: 'message', rows: 3 })
  readonly #permitAmount = text('permit-amount', '250', 'decimal')
  readonly #permitAll = h('input', { type: 'checkbox', id: 'permit-all', change: () => this.draw(this.#language) })
  readonly #kind = h('select', { id: 'kind', change: () => this.draw(this.#language) })
  /** It has two lines, so that the whole address can be compared. */
  readonly #to = h('textarea', {
    id: 'to',
    rows: 2,
    class: 'whole',
    autocomplete: 'off',
    autocapitalize: 'off',
    autocorrect: 'off',
    spellcheck: 'false',
    translate: 'no',
    keydown: (event) => {
      if ((event as KeyboardEvent).key === 'Enter') event.preventDefault()
    },
  })
  readonly #amount = text('amount', '0.01', 'decimal')
  readonly #data = text('data', '0x3ccfd60b')
  readonly #chain = h('select', { id: 'chain' })
  readonly #node = text('node', firstNode, 'url')
  #tab: Tab = 'message'
  #language: Language = 'en'

  constructor(
    private readonly wallet: Wallet,
    private readonly busy: () => boolean,
    private readonly send: (request: Request, unlimited?: boolean) => void,
    /** Uses the node at an address. It resolves with a description of the node, or with undefined if no node answers. */
    private readonly useNode: (url: string) => Promise<Text | undefined>,
  ) {
    this.#message.value = `${location.host}: I sign in with my imKey.`
    this.#to.value = demoSpender
    for (const kind of Object.keys(kinds)) this.#kind.append(h('option', { value: kind }))
  }

  draw(language: Language): void {
    this.#language = language
    const focus = document.activeElement
    this.element.replaceChildren(
      this.#tabs(),
      h(
        'div',
        { class: 'tab-panel', role: 'tabpanel', id: 'tab-panel', 'aria-labelledby': `tab-${this.#tab}` },
        ...this.#panel(),
        this.#hint,
        this.#said,
      ),
    )
    this.#hint.textContent = this.#said.textContent = ''
    // An element that was put back has lost the focus.
    if (focus instanceof HTMLElement && this.element.contains(focus)) focus.focus({ preventScroll: true })
  }

  #tabs(): HTMLElement {
    return tabList({
      id: 'tab',
      panel: 'tab-panel',
      label: this.#t(words.tabs),
      all: tabs,
      selected: this.#tab,
      title: (tab) => this.#t(titles[tab]),
      choose: (tab) => {
        this.#tab = tab
        this.draw(this.#language)
      },
    })
  }

  #panel(): Child[] {
    switch (this.#tab) {
      case 'message':
        return [
          this.#text(words.messageText),
          this.#field(words.message, this.#message),
          this.#primary('sign-message', words.signMessage, (account) => {
            if (this.#message.value === '') this.#refuse(words.messageEmpty, this.#message)
            else this.send(signMessage(account, this.#message.value))
          }),
        ]
      case 'typed-data':
        this.#permitAmount.disabled = this.#permitAll.checked
        return [
          this.#text(words.typedDataText),
          h(
            'dl',
            { class: 'permit' },
            this.#row(words.token, this.#t(words.tokenName)),
            this.#row(words.spender, demoSpender, true),
            this.#row(words.deadline, this.#t(words.deadlineHour)),
          ),
          this.#field(words.permitAmount, this.#permitAmount),
          h('label', { class: 'tick' }, this.#permitAll, h('span', {}, this.#t(words.unlimited))),
          this.#primary('sign-typed-data', words.signTypedData, (account) => {
            const value = this.#permitAll.checked ? unlimited : parseUnits(this.#permitAmount.value)
            if (value === undefined) return this.#refuse(words.amountForm, this.#permitAmount)
            const deadline = Math.floor(Date.now() / 1000) + hour
            this.send(signPermit(account, this.wallet.chainId, value, deadline), value === unlimited)
          }),
        ]
      case 'transaction': {
        const kind = this.#kind.value as Kind
        for (const option of this.#kind.options) option.textContent = this.#t(kinds[option.value as Kind])
        return [
          this.#text(words.transactionText),
          this.#field(words.kind, this.#kind),
          this.#field(kind === 'unknown' ? words.contract : kind === 'approve' ? words.spender : words.to, this.#to),
          kind === 'coins' &&
            this.wallet.account !== null &&
            this.#quiet('to-myself', words.toMyself, () => {
              this.#to.value = this.wallet.account ?? ''
            }),
          (kind === 'coins' || kind === 'tokens') && this.#field(words.amount, this.#amount),
          kind === 'unknown' && this.#field(words.data, this.#data),
          this.#primary('send-transaction', words.sendTransaction, (account) => {
            const request = sendTransaction(account, kind, { to: this.#to.value, amount: this.#amount.value, data: this.#data.value })
            if (typeof request === 'string')
              this.#refuse(mistakes[request], { to: this.#to, amount: this.#amount, data: this.#data }[request])
            else this.send(request, kind === 'approve')
          }),
        ]
      }
      case 'chain': {
        const chosen = this.#chain.value
        this.#chain.replaceChildren(...this.wallet.chains.map((id) => h('option', { value: id }, `${this.#t(chainName(id))} (${id})`)))
        this.#chain.value = chosen === '' ? String(this.wallet.chainId) : chosen
        return [
          this.#text(words.chainText),
          this.#field(words.switchTo, this.#chain),
          this.#primary('switch-chain', words.switchChain, () => {
            const chainId = `0x${Number(this.#chain.value).toString(16)}`
            this.send({ method: 'wallet_switchEthereumChain', params: [{ chainId }] })
          }),
          h('hr'),
          this.#field(words.node, this.#node),
          this.#text(words.nodeText),
          h('pre', { class: 'snippet', translate: 'no' }, startNode),
          h(
            'button',
            { type: 'button', class: 'button button-secondary', 'data-action': 'use-node', click: () => void this.#take() },
            this.#t(words.useNode),
          ),
        ]
      }
    }
  }

  async #take(): Promise<void> {
    if (this.busy()) return this.#refuse(words.oneAtATime)
    const url = this.#node.value.trim()
    if (!ownNode(url)) return this.#refuse(words.nodeForm, this.#node)
    const said = await this.useNode(url)
    if (!said) return this.#refuse(words.nodeSilent, this.#node)
    this.#chain.value = ''
    this.draw(this.#language)
    this.#said.textContent = this.#t(said)
  }

  #refuse(text: Text, where?: HTMLElement): void {
    this.#said.textContent = ''
    this.#hint.textContent = this.#t(text)
    where?.focus()
  }

  #text(text: Text): HTMLElement {
    return h('p', { class: 'quiet' }, this.#t(text))
  }

  #row(name: Text, value: string, mono = false): HTMLElement {
    return h('div', { class: mono ? 'row row-long' : 'row' }, h('dt', {}, this.#t(name)), h('dd', {}, value))
  }

  #field(label: Text, input: HTMLElement): HTMLElement {
    return h('div', { class: 'field' }, h('label', { for: input.id }, this.#t(label)), input)
  }

  #quiet(action: string, text: Text, press: () => void): HTMLElement {
    return h('button', { type: 'button', class: 'button button-quiet', 'data-action': action, click: press }, this.#t(text))
  }

  /** Makes a button that needs an account. Without an account, it says so when it is pressed; a disabled button could not. */
  #primary(action: string, text: Text, press: (account: string) => void): HTMLElement {
    const { account } = this.wallet
    const can = account !== null && !this.busy()
    return h(
      'button',
      {
        type: 'button',
        class: 'button button-primary',
        'data-action': action,
        'aria-disabled': String(!can),
        click: () => {
          this.#hint.textContent = ''
          if (account === null) this.#refuse(words.connectFirst)
          else if (this.busy()) this.#refuse(words.oneAtATime)
          else press(account)
        },
      },
      this.#t(text),
    )
  }

  #t(text: Text): string {
    return text[this.#language]
  }
}

function text(id: string, value: string, inputmode: 'text' | 'decimal' | 'url' = 'text'): HTMLInputElement {
  const input = h('input', {
    type: 'text',
    id,
    inputmode,
    autocomplete: 'off',
    autocapitalize: 'off',
    autocorrect: 'off',
    spellcheck: 'false',
    translate: 'no',
  })
  input.value = value
  return input
}
