import { invalid } from '../client/errors'
import type { ProviderInfo } from '../types/imkey'
import { icon } from './icon'

/** The UUID of each provider, so that a provider that is announced again keeps it. */
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
  if (typeof given !== 'object' || given === null) throw invalid('the info is not an object')
  const info = {
    uuid: given.uuid ?? uuids.get(provider) ?? newUUID(),
    name: given.name ?? 'imKey',
    icon: given.icon ?? icon,
    rdns: given.rdns ?? 'im.imkey',
  }
  const fits = (name: keyof ProviderInfo, pattern: RegExp, what: string) => {
    if (typeof info[name] !== 'string' || !pattern.test(info[name])) throw invalid(`the info's ${name} is not a ${what}`)
  }
  fits('uuid', /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/i, 'UUID of version 4')
  fits('name', /\S/, 'name')
  fits('icon', /^data:image\/[a-z0-9.+-]+[;,]/i, 'data URI of an image')
  fits('rdns', /^[a-z0-9-]+(\.[a-z0-9-]+)+$/i, 'domain name in reverse')
  uuids.set(provider, info.uuid)
  return info
}

/** newUUID makes a version 4 UUID. crypto.randomUUID exists only in secure contexts; other pages learn later that WebUSB is missing. */
function newUUID(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  bytes[6] = (bytes[6]! & 0x0f) | 0x40
  bytes[8] = (bytes[8]! & 0x3f) | 0x80
  return Array.from(bytes, (byte, i) => ([4, 6, 8, 10].includes(i) ? '-' : '') + byte.toString(16).padStart(2, '0')).join('')
}
