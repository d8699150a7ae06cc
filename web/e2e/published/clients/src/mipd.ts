import { announceProvider, createProvider } from 'imkey-connect'
import { createStore } from 'mipd'
import { options } from './options'

/** discover says what mipd's store knows of the provider, and whether it is the provider itself. */
export function discover(order: 'store first' | 'provider first') {
  const provider = createProvider(options)
  let heard = 0
  if (order === 'provider first') announceProvider(provider)
  const store = createStore()
  store.subscribe(() => heard++, { emitImmediately: order === 'provider first' })
  if (order === 'store first') announceProvider(provider)
  const all = store.getProviders()
  const found = store.findProvider({ rdns: 'im.imkey' })
  return { count: all.length, heard, same: found?.provider === (provider as unknown), frozen: Object.isFrozen(found), info: found?.info }
}
