import { coins } from '../../ui/words/coins'
import { dapp as words, signInWith } from '../../ui/words/dapp'
import type { Language, Text } from '../../ui/words/text'
import { h, type Child } from '../../ui/blocks/dom'
import { parseUnits } from './requests'
import { sampleDocument, samplePsbt, tronBytes, tronReceiver, tronTransfer } from './samples'
import type { Asked, CoinWallet, OtherCoin } from './coin-wallet'
import { tabList } from './tabs'

const tabs = ['message', 'transaction'] as const
type Tab = (typeof tabs)[number]

const titles: Readonly<Record<OtherCoin, Text>> = {
  bitcoin: words.tabPsbt,
  tron: words.tabTransaction,
  cosmos: words.tabDocument,
}

const leads: Readonly<Record<OtherCoin, Text>> = {
  bitcoin: words.psbtText,
  tron: words.tronText,
  cosmos: words.documentText,
}

/** What cannot be used of what the user typed. */
class Wrong extends Error {
  constructor(
    readonly text: Text,
    readonly where: HTMLElement,
  ) {
    super(text.en)
  }
}

/** CoinForms are the requests of a coin besides Ethereum: a message, and a transaction with a sample. The fields keep what is typed. */
export class CoinForms {
  readonly element = h('section', { class: 'card forms' })
  readonly #hint = h('p', { class: 'message message-error', role: 'alert' })
  readonly #message = h('textarea', { id: 'coin-message', rows: 3 })
  readonly #what: HTMLTextAreaElement
  /** It has two lines, so that the whole address can be compared. */
  readonly #to = h('textarea', {
    id: 'coin-to',
    rows: 2,
    class: 'whole',
    autocomplete: 'off',
    autocapitalize: 'off',
    spellcheck: 'false',
    translate: 'no',
    keydown: (event) => {
      if ((event as KeyboardEvent).key === 'Enter') event.preventDefault()
    },
  })
  readonly #amount = h('input', { type: 'text', id: 'coin-amount', inputmode: 'decimal', autocomplete: 'off' })
  readonly #coin: OtherCoin
  readonly #wallet: CoinWallet
  readonly #busy: () => boolean
  readonly #send: (asked: Asked) => void
  #tab: Tab = 'message'
  #language: Language = 'en'
  /** The account that the sample is of. */
  #sampled: string | null = null

  constructor(coin: OtherCoin, wallet: CoinWallet, busy: () => boolean, send: (asked: Asked) => void) {
    this.#coin = coin
    this.#wallet = wallet
    this.#busy = busy
    this.#send = send
    this.#what = h('textarea', { id: 'coin-what', rows: coin === 'cosmos' ? 12 : 6, class: 'whole', spellcheck: 'false', translate: 'no' })
    this.#message.value = signInWith(location.host, coins[coin].en).en
    this.#to.value = tronReceiver
    this.#amount.value = '1.5'
  }

  draw(language: Language): void {
    this.#language = language
    const focus = document.activeElement
    this.#sample()
    this.#hint.textContent = ''
    this.element.replaceChildren(
      tabList({
        id: 'ask',
        panel: 'tab-panel',
        label: this.#t(words.tabs),
        all: tabs,
        selected: this.#tab,
        title: (tab) => this.#t(tab === 'message' ? words.tabMessage : titles[this.#coin]),
        choose: (tab) => {
          this.#tab = tab
          this.draw(this.#language)
        },
      }),
      h(
        'div',
        { class: 'tab-panel', role: 'tabpanel', id: 'tab-panel', 'aria-labelledby': `ask-${this.#tab}` },
        ...this.#panel(),
        this.#hint,
      ),
    )
    if (focus instanceof HTMLElement && this.element.contains(focus)) focus.focus({ preventScroll: true })
  }

  /** #sample makes the sample of the account. */
  #sample(): void {
    const { account } = this.#wallet
    if (account === this.#sampled) return
    this.#sampled = account
    if (account === null) this.#what.value = ''
    else if (this.#coin === 'bitcoin') this.#what.value = samplePsbt(account)
    else this.#what.value = JSON.stringify(sampleDocument(account), null, 2)
  }

  #panel(): Child[] {
    const text = (one: Text) => h('p', { class: 'quiet' }, this.#t(one))
    if (this.#tab === 'message') {
      return [
        text(words.messageText),
        this.#field(words.message, this.#message),
        this.#primary('sign-coin-message', words.signMessage, async (account) => {
          if (this.#message.value === '') throw new Wrong(words.messageEmpty, this.#message)
          return (await this.#wallet.client).signMessage(account, this.#message.value)
        }),
      ]
    }
    const fields =
      this.#coin === 'tron'
        ? [this.#field(words.to, this.#to), this.#field(words.amountTrx, this.#amount)]
        : this.#wallet.account === null
          ? []
          : [this.#field(titles[this.#coin], this.#what)]
    return [
      text(leads[this.#coin]),
      ...fields,
      this.#primary('sign-coin-transaction', words.sign, async (account) => {
        const what = await this.#read(account)
        return (await this.#wallet.client).sign(account, what)
      }),
    ]
  }

  /** #read gives what is to be signed. */
  async #read(account: string): Promise<unknown> {
    const typed = this.#what.value.trim()
    switch (this.#coin) {
      case 'bitcoin':
        if (!/^[A-Za-z\d+/]+={0,2}$/.test(typed)) throw new Wrong(words.psbtForm, this.#what)
        return typed
      case 'tron': {
        const to = await tronBytes(this.#to.value.trim())
        if (!to) throw new Wrong(words.tronAddressForm, this.#to)
        const amount = parseUnits(this.#amount.value, 6)
        if (amount === undefined || amount === 0n || amount > BigInt(Number.MAX_SAFE_INTEGER))
          throw new Wrong(words.tronAmountForm, this.#amount)
        return tronTransfer((await tronBytes(account))!, to, Number(amount), Date.now())
      }
      case 'cosmos':
        try {
          return JSON.parse(typed) as unknown
        } catch {
          throw new Wrong(words.documentForm, this.#what)
        }
    }
  }

  #field(label: Text, input: HTMLElement): HTMLElement {
    return h('div', { class: 'field' }, h('label', { for: input.id }, this.#t(label)), input)
  }

  /** #primary makes a button that needs an account. Without one, it says so when it is pressed; a disabled button could not. */
  #primary(action: string, text: Text, make: (account: string) => Promise<Asked>): HTMLElement {
    const { account } = this.#wallet
    const refuse = (why: Text, where?: HTMLElement) => {
      this.#hint.textContent = this.#t(why)
      where?.focus()
    }
    return h(
      'button',
      {
        'type': 'button',
        'class': 'button button-primary',
        'data-action': action,
        'aria-disabled': String(account === null || this.#busy()),
        'click': () => {
          this.#hint.textContent = ''
          if (account === null) return refuse(words.connectFirst)
          if (this.#busy()) return refuse(words.oneAtATime)
          void make(account).then(
            (asked) => this.#send(asked),
            (thrown: unknown) => (thrown instanceof Wrong ? refuse(thrown.text, thrown.where) : refuse(words.failed)),
          )
        },
      },
      this.#t(text),
    )
  }

  #t(text: Text): string {
    return text[this.#language]
  }
}
