import { announceProvider, createProvider } from 'imkey-connect'
import { createStore } from 'mipd'
import { options } from './options'

/** discover returns what mipd's store has about the provider, and whether that is the same object. */
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
