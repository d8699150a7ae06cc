import { icon } from '../provider/icon'
import type { ProviderInfo } from '../types/imkey'
import { uuid } from './uuid'

/**
 * announced announces a provider by an event in the form of EIP-6963, now and whenever a site requests it. It does nothing where there are
 * no events, as on a server. Returns a function that ends that.
 */
export function announced(names: { announce: string; request: string }, provider: object, info: ProviderInfo = {}): () => void {
  const detail = Object.freeze({
    info: Object.freeze({
      uuid: info.uuid ?? uuid(),
      name: info.name ?? 'imKey',
      icon: info.icon ?? icon,
      rdns: info.rdns ?? 'im.imkey',
    }),
    provider,
  })
  const announce = () => void globalThis.dispatchEvent?.(new CustomEvent(names.announce, { detail }))
  globalThis.addEventListener?.(names.request, announce)
  announce()
  return () => globalThis.removeEventListener?.(names.request, announce)
}
