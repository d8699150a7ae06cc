import type { PairingRequest } from '../types/imkey'
import { Refusal } from './refusal'

/** LoadDialog loads the dialog that asks the user for the binding code. The SDK has none of its own. */
export type LoadDialog = () => Promise<{
  /** Resolves when the dialog is gone and the device idle. */
  openPairingDialog(request: PairingRequest & { readonly rememberCode?: boolean }): Promise<'bound' | 'cancelled'>
}>

/** openDialog asks the user for the binding code. It rejects where the device was not bound. */
export async function openDialog(load: LoadDialog, request: PairingRequest & { readonly rememberCode?: boolean }): Promise<void> {
  const { openPairingDialog } = await load().catch((cause: unknown) => {
    throw new Refusal(-32603, 'The binding dialog could not be loaded. Check the connection, then try again. (is the folder assets beside imkey.js on the site?)',
      'internal', true, cause)
  })
  if (await openPairingDialog(request) === 'cancelled') {
    throw new Refusal(4001, 'The imKey was not bound: its dialog was closed. Try again if that was not intended.', 'user-rejected')
  }
}
