import { failure, type ImKeyError } from './errors'
import { canLoad } from './parts'
import type { UnsupportedReason } from '../types/imkey'

export function isSupported(): { supported: boolean; reason?: UnsupportedReason } {
  let reason: UnsupportedReason | undefined
  try {
    reason = obstacle()
  } catch {
    reason = 'no-webusb' // not a browser's object, but a stand-in for it
  }
  return reason === undefined ? { supported: true } : { supported: false, reason }
}

interface Policy {
  allowsFeature(name: string): boolean
}

function obstacle(): UnsupportedReason | undefined {
  if (!canLoad()) return 'service-worker'
  if (globalThis.navigator?.usb) {
    // Chromium still uses the older name, featurePolicy.
    const page = globalThis.document as { permissionsPolicy?: Policy; featurePolicy?: Policy } | undefined
    const policy = page?.permissionsPolicy ?? page?.featurePolicy
    return policy?.allowsFeature('usb') === false ? 'permissions-policy' : undefined
  }
  if (globalThis.isSecureContext === undefined) return 'not-a-browser'
  return globalThis.isSecureContext ? 'no-webusb' : 'insecure-context'
}

const details: Record<UnsupportedReason, string> = {
  'not-a-browser': 'there is no WebUSB outside a browser: give loadImKey a usb option, or call it in a page only',
  'insecure-context': 'WebUSB needs a page from https or localhost',
  'permissions-policy': 'this page may not use USB: its frame needs allow="usb", and no Permissions-Policy may forbid it',
  'no-webusb': 'this browser has no WebUSB',
  'service-worker': 'a service worker forbids import(): use a tab or an offscreen document, or bundle imkey.js into one file',
  'no-page': 'browsers open their chooser in a page only, and not in a worker: call requestDevice there',
}

/** unsupported makes the error for a page that cannot use WebUSB. */
export function unsupported(reason: UnsupportedReason): ImKeyError {
  const code = reason === 'permissions-policy' ? 'permission-denied' : 'unsupported'
  return failure(code, details[reason], { retryable: code === 'permission-denied', data: { reason } })
}
