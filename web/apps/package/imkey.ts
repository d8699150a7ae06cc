// The entry of imkey.js: the SDK with the dialog that its provider opens.

import { createProviderWith, type LoadDialog, version } from '../../sdk/index'
import type { PairingRequest } from '../../sdk/types/imkey'

export type * from '../../sdk/types/imkey'
export { announceProvider, Device, ImKey, ImKeyError, isSupported, loadImKey, ProviderRpcError, version } from '../../sdk/index'

const loadDialog: LoadDialog = async () => {
  const dialogs = await import('../../ui/dialog/dialog')
  return { ...dialogs, openPairingDialog: (request) => dialogs.openPairingDialog({ ...request, version }) }
}

/** createProvider makes a provider that loads a dialog when the user must be asked. */
export const createProvider = createProviderWith(loadDialog)

export const bindInDialog = async (request: PairingRequest) => (await loadDialog()).openPairingDialog(request)
