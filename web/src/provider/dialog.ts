import type { PairingRequest } from '../sdk/types/imkey'
import { Refusal } from './refusal'

/** openDialog asks the person for the binding code. */
export async function openDialog(request: PairingRequest & { readonly rememberCode?: boolean }): Promise<void> {
  const { openPairingDialog } = await import('../pairing/dialog').catch((cause: unknown) => {
    throw new Refusal(-32603, 'a part of imkey.js could not be loaded: is its folder assets beside it on the site?', 'internal', true, cause)
  })
  if (await openPairingDialog(request) === 'cancelled') {
    throw new Refusal(4001, 'the person closed the binding dialog', 'user-rejected')
  }
}
