// The entry of imkey.js: the SDK with the dialog that its provider opens.

import { createProviderWith, version } from '../../sdk/index'

export type {
  Account,
  BindingStatus,
  BindOptions,
  ChainOptions,
  DeviceEventMap,
  DeviceInfo,
  ErrorCode,
  ErrorDetails,
  Ethereum,
  ImKeyEventMap,
  ImportOptions,
  Interaction,
  KnownDevice,
  LoadOptions,
  PairingRequest,
  Provider,
  ProviderErrorCode,
  ProviderEventMap,
  ProviderInfo,
  ProviderInteraction,
  ProviderMessage,
  ProviderOptions,
  Quantity,
  SignedMessage,
  SignedTransaction,
  SignOptions,
  Store,
  TransactionOptions,
  TransactionRequest,
  TransactionSummary,
  TypedData,
  UnsupportedReason,
  USBSource,
  USBSourceDevice,
} from '../../sdk/index'
export { announceProvider, Device, ImKey, ImKeyError, isSupported, loadImKey, ProviderRpcError, version } from '../../sdk/index'

/** createProvider makes a provider that loads the dialog when a device must be bound. */
export const createProvider = createProviderWith(async () => {
  const { openPairingDialog } = await import('../../ui/dialog/dialog')
  return { openPairingDialog: (request) => openPairingDialog({ ...request, version }) }
})
