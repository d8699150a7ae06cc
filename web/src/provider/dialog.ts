import type { PairingRequest } from '../sdk/types/imkey'
import { Refusal } from './refusal'

/** openDialog asks the person for the binding code. */
export async function openDialog(request: PairingRequest & { readonly rememberCode?: boolean }): Promise<void> {
  const { openPairingDialog } = await import('../pairing/dialog').catch((cause: unknown) => {
    throw new Refusal(-32603, 'The binding dialog could not be loaded. Check the connection, then try again. (is the folder assets beside imkey.js on the site?)',
      'internal', true, cause)
  })
  if (await openPairingDialog(request) === 'cancelled') {
    throw new Refusal(4001, 'The imKey was not bound: its dialog was closed. Try again if that was not intended.', 'user-rejected')
  }
}
