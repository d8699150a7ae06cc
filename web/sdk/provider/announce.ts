import { invalid } from '../client/errors'
import type { ProviderInfo } from '../types/imkey'
import { icon } from './icon'

/** By provider, so that one that is announced again is not taken for another. */
const uuids = new WeakMap<object, string>()

export function announceProvider(provider: object, info: ProviderInfo = {}): () => void {
  if (typeof (provider as { request?: unknown } | null)?.request !== 'function') throw invalid('the provider has no request')
  const detail = Object.freeze({ info: Object.freeze(complete(provider, info)), provider })
  if (typeof globalThis.window?.dispatchEvent !== 'function') return () => {}
  const announce = () => {
    window.dispatchEvent(new CustomEvent('eip6963:announceProvider', { detail }))
  }
  window.addEventListener('eip6963:requestProvider', announce)
  announce()
  return () => window.removeEventListener('eip6963:requestProvider', announce)
}

function complete(provider: object, given: ProviderInfo): Required<ProviderInfo> {
  if (typeof given !== 'object' || given === null) throw invalid('the info is no object')
  const info = {
    uuid: given.uuid ?? uuids.get(provider) ?? newUUID(),
    name: given.name ?? 'imKey',
    icon: given.icon ?? icon,
    rdns: given.rdns ?? 'im.imkey',
  }
  const fits = (name: keyof ProviderInfo, pattern: RegExp, what: string) => {
    if (typeof info[name] !== 'string' || !pattern.test(info[name])) throw invalid(`the info's ${name} is no ${what}`)
  }
  fits('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i, 'UUID of version 4')
  fits('name', /\S/, 'name')
  fits('icon', /^data:image\/[a-z0-9.+-]+[;,]/i, 'data URI of an image')
  fits('rdns', /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'domain name in reverse')
  uuids.set(provider, info.uuid)
  return info
}

/** newUUID: crypto.randomUUID exists in secure contexts alone, and a page elsewhere is told later that it has no WebUSB. */
function newUUID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = bytes[6]! & 0x0f | 0x40
  bytes[8] = bytes[8]! & 0x3f | 0x80
  return Array.from(bytes, (byte, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
