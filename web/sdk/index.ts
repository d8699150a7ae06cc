// The SDK without the pairing dialog. apps/package adds the dialog and makes imkey.js, the module that sites import.

import { loadImKey } from './client/imkey'
import type { LoadDialog } from './provider/dialog'
import { makeProvider } from './provider/provider'
import type { Provider, ProviderOptions } from './types/imkey'

export type { LoadDialog } from './provider/dialog'
export { Device } from './client/device'
export { ImKeyError } from './client/errors'
export { ImKey, loadImKey } from './client/imkey'
export { isSupported } from './client/support'
export { version } from './client/version.gen'
export { announceProvider } from './provider/announce'
export { ProviderRpcError } from './provider/errors'

/** createProviderWith makes a createProvider that opens the given dialog to ask the user for the binding code. */
export function createProviderWith(loadDialog: LoadDialog): (options: ProviderOptions) => Provider {
  return (options) => makeProvider(options, loadImKey, loadDialog, () => import('./connector/client'))
}
