// The entry of imkey.js: the SDK with the dialog that its provider opens.

import { createProviderWith, version } from '../../sdk/index'

export type * from '../../sdk/types/imkey'
export { announceProvider, Device, ImKey, ImKeyError, isSupported, loadImKey, ProviderRpcError, version } from '../../sdk/index'

/** createProvider makes a provider that loads the dialog when a device must be bound. */
export const createProvider = createProviderWith(async () => {
  const { openPairingDialog } = await import('../../ui/dialog/dialog')
  return { openPairingDialog: (request) => openPairingDialog({ ...request, version }) }
})
