import type { PairingRequest } from '../types/imkey'
import { coded, Refusal } from './refusal'

/** LoadDialog loads the dialog that asks the user for the binding code. The SDK has none of its own. */
export type LoadDialog = () => Promise<{
  /** Resolves when the dialog is gone and the device idle. */
  readonly openPairingDialog: (request: PairingRequest & { readonly rememberCode?: boolean }) => Promise<'bound' | 'cancelled'>
}>

/** openDialog asks the user for the binding code. It rejects where the device was not bound. */
export async function openDialog(load: LoadDialog, request: PairingRequest & { readonly rememberCode?: boolean }): Promise<void> {
  if (!globalThis.document) {
    throw coded('unsupported', "the binding dialog needs a page: bind in a page first, or set createProvider's pairing", {
      data: { reason: 'no-page' },
    })
  }
  const { openPairingDialog } = await load().catch((cause: unknown) => {
    throw coded('internal', 'the binding dialog: is the folder assets beside imkey.js on the site?', {
      retryable: true,
      cause,
      data: { reason: 'download' },
    })
  })
  if ((await openPairingDialog(request)) === 'cancelled') {
    throw new Refusal(
      4001,
      'Your imKey was not bound, because its dialog was closed. Try again if that was not what you wanted.',
      'user-rejected',
    )
  }
}
