import type { Platform } from '../words/errors'

/** platformOf guesses the operating system from the user agent string. It only selects which advice is shown. */
export function platformOf(userAgent: string): Platform {
  if (/Android/.test(userAgent)) return 'android'
  if (/CrOS/.test(userAgent)) return 'chromeos'
  if (/Windows/.test(userAgent)) return 'windows'
  if (/Mac OS X|Macintosh/.test(userAgent)) return 'mac'
  if (/Linux|X11/.test(userAgent)) return 'linux'
  return 'other'
}

/** framedWithoutUSB reports whether the page is in an iframe that may not use USB. */
export function framedWithoutUSB(window: Window): boolean {
  if (window.self === window.top) return false
  const policy = (window.document as { featurePolicy?: { allowsFeature(name: string): boolean } }).featurePolicy
  return policy ? !policy.allowsFeature('usb') : true
}
