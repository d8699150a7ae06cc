import type { CallsRequest, PairingRequest } from '../types/imkey'
import type { CallsStatus } from './callsstatus'
import { coded, Refusal } from './refusal'

/** Dialogs are what asks the user on the page. */
export interface Dialogs {
  /** Asks for the binding code. Resolves when the dialog is gone and the device idle. */
  readonly openPairingDialog: (request: PairingRequest & { readonly rememberCode?: boolean }) => Promise<'bound' | 'cancelled'>
  /** Asks whether the calls of a batch may be signed. Resolves when the dialog is gone. */
  readonly openCallsDialog: (request: CallsRequest, signal: AbortSignal | undefined) => Promise<boolean>
  /** Shows what became of a batch. Resolves when the dialog is there. */
  readonly showCallsDialog: (status: CallsStatus, total: number) => Promise<void>
}

/** LoadDialog loads the dialogs. The SDK has none of its own. */
export type LoadDialog = () => Promise<Dialogs>

export async function loadDialogs(load: LoadDialog): Promise<Dialogs> {
  if (!globalThis.document) {
    throw coded('unsupported', "the dialog needs a page: bind in a page first, or set createProvider's pairing and confirmCalls", {
      data: { reason: 'no-page' },
    })
  }
  return load().catch((cause: unknown) => {
    throw coded('internal', 'the dialog: is the folder assets beside imkey.js on the site?', {
      retryable: true,
      cause,
      data: { reason: 'download' },
    })
  })
}

/** openDialog asks the user for the binding code. It rejects where the device was not bound. */
export async function openDialog(load: LoadDialog, request: PairingRequest & { readonly rememberCode?: boolean }): Promise<void> {
  const { openPairingDialog } = await loadDialogs(load)
  if ((await openPairingDialog(request)) === 'cancelled') {
    throw new Refusal(
      4001,
      'Your imKey was not bound, because its dialog was closed. Try again if that was not what you wanted.',
      'user-rejected',
    )
  }
}
