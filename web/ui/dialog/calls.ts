// The dialogs about batches of calls (EIP-5792), for a site that embeds the SDK.

import type { CallsRequest } from '../../sdk/types/imkey'
import { primary } from '../blocks/buttons'
import { h } from '../blocks/dom'
import { mountRequest } from '../request/screen'
import { calls as words, callNo, callState, callsStatus } from '../words/calls'
import { preferred } from '../words/language'
import { languageTag } from '../words/text'
import css from './calls.css?text'
import { openModal } from './modal'

const language = () => preferred([document.documentElement.lang, ...navigator.languages])

/** openCallsDialog asks whether calls may be signed, on the screen that a connector shows. It resolves when the dialog is gone. */
export function openCallsDialog(request: CallsRequest, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise<boolean>((resolve) => {
    const speaks = language()
    let yes = false
    const modal = openModal({ css, lang: languageTag[speaks], label: words.ask[speaks], signal }, () => {
      screen?.close()
      resolve(yes)
    })
    const screen = mountRequest(modal.inside, {
      language: speaks,
      modal: true,
      onAnswer: (answer) => {
        yes = answer.yes
        modal.close()
      },
      onCancel: () => modal.close(),
    })
    screen.show({
      name: 'asking',
      review: { id: 'calls', origin: location.origin, what: { kind: 'calls', ...request } },
    })
  })
}

/** CallsStatus is what is shown of the answer of wallet_getCallsStatus. */
export interface CallsStatus {
  readonly status: number
  readonly receipts?: readonly { readonly status: string; readonly transactionHash: string }[]
}

/** showCallsDialog shows what became of a batch of that many calls. It resolves when the dialog is there. */
export async function showCallsDialog({ status, receipts = [] }: CallsStatus, total: number): Promise<void> {
  const speaks = language()
  const modal = openModal({ css, lang: languageTag[speaks], label: words.statusTitle[speaks], signal: undefined }, () => {})
  const close = primary('close', words.close[speaks], () => modal.close())
  modal.inside.append(
    h('h1', {}, words.statusTitle[speaks]),
    h('p', { class: 'lead', 'data-status': String(status) }, callsStatus(status)[speaks]),
    h(
      'ol',
      { class: 'calls-list' },
      ...Array.from({ length: total }, (_, i) => {
        const receipt = receipts[i]
        const state = receipt === undefined ? callState.open : receipt.status === '0x1' ? callState.good : callState.failed
        return h(
          'li',
          {},
          callNo(i + 1, state)[speaks],
          receipt && h('code', { class: 'calls-hash', translate: 'no', dir: 'ltr' }, receipt.transactionHash),
        )
      }),
    ),
    h('div', { class: 'request-actions' }, close),
  )
  close.focus({ preventScroll: true })
}
