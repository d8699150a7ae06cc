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

/**
 * nearness says from where a host is reached: 0 from everywhere, 1 from a private network, 2 from this computer alone. These are the address
 * spaces of Local Network Access. A name that a server resolves to such an address is not known here.
 */
export function nearness(hostname: string): 0 | 1 | 2 {
  const host = hostname.replace(/\.$/, '')
  const mapped = /^\[::(?:ffff:)?([\da-f]{1,4}):([\da-f]{1,4})\]$/.exec(host) // an IPv4 address in an IPv6 one
  if (mapped) return nearness([mapped[1]!, mapped[2]!].flatMap((part) => [parseInt(part, 16) >> 8, parseInt(part, 16) & 255]).join('.'))
  if (/^((.+\.)?localhost|(127|0)(\.\d+){3}|\[::1?\])$/.test(host)) return 2
  const near = /^((10|192\.168|169\.254|172\.(1[6-9]|2\d|3[01])|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7]))(\.\d+)+|\[f([cd]|e[89a-f]).*\])$/
  return near.test(host) || !/[.:]/.test(host) || /\.(local|internal|lan|home\.arpa)$/.test(host) ? 1 : 0
}

/**
 * groupOf gives the last two labels of the host of an origin, which one owner registered in most cases; of an address in numbers, all of it. It
 * decides only which origins share room, so it does without the public suffix list.
 */
export function groupOf(origin: string): string {
  const { hostname } = new URL(origin)
  return /^[\d.]+$|:/.test(hostname) ? hostname : hostname.split('.').slice(-2).join('.')
}
