// The entry of imkey.js: the SDK with the dialog that its provider opens.

import { createProviderWith, version } from '../../sdk/index'

export type * from '../../sdk/types/imkey'
export { announceProvider, Device, ImKey, ImKeyError, isSupported, loadImKey, ProviderRpcError, version } from '../../sdk/index'

/** createProvider makes a provider that loads a dialog when the user must be asked. */
export const createProvider = createProviderWith(async () => {
  const dialogs = await import('../../ui/dialog/dialog')
  return { ...dialogs, openPairingDialog: (request) => dialogs.openPairingDialog({ ...request, version }) }
})
