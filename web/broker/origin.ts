/**
 * isSite says whether an origin is that of a site that may ask. An opaque one, which is "null", could be any document. Over plain http
 * anybody on the way could ask in the site's name, so it has to be https, or this computer.
 */
export function isSite(origin: unknown): origin is string {
  if (typeof origin !== 'string' || origin.length > 300 || !URL.canParse(origin)) return false
  const url = new URL(origin)
  if (url.origin !== origin) return false
  return url.protocol === 'https:' || (url.protocol === 'http:' && /^(localhost|.+\.localhost|127(\.\d+){3}|\[::1\])$/.test(url.hostname))
}
