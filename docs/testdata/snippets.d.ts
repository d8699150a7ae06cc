// What the snippets of the documents use and do not define, for snippets_test.go.

import type { ChainOptions, Device, ImKey, ProviderRpcError as TheRpcError, ImKeyError as TheError, createProvider as makeProvider, loadImKey as load } from 'imkey-connect'

declare global {

  const ImKeyError: typeof TheError
  type ProviderRpcError = TheRpcError
  const createProvider: typeof makeProvider
  const loadImKey: typeof load
  const imkey: ImKey
  const device: Device
  const chains: ChainOptions[]
  const button: HTMLButtonElement
  const provider: ReturnType<typeof makeProvider>
  const from: string
  const to: string
  const chosen: File
  const code: string
  const passphrase: string
  function bindingCode(): Promise<string>
  function showHint(text: string): void
  function showPayment(hash: string): void
}
