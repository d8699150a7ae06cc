// Who asks: an origin, as the browser names it.

import { legible, lookAlike, shownName } from '../model/names'

/** Origin is what a screen shows of an origin. */
export interface Origin {
  /** The whole origin, as the browser writes it. */
  readonly text: string
  /** The scheme with its slashes, unless it is https. */
  readonly scheme: string
  /** The part of the host before the domain, with its dot, or ''. */
  readonly before: string
  /** The part of the host that one owner registered, with a port that is not the scheme's own. It stands out. */
  readonly domain: string
  /** The host in its own letters, if the browser writes it in Punycode. */
  readonly letters?: string
  /** The letters that pass for Latin ones, or that are mixed with them, each with its code point. */
  readonly odd?: string
  /** A site that the user knows and that this one can be taken for. */
  readonly like?: string
  /** The service where anyone can have a page below this domain. */
  readonly hosting?: string
  readonly notes: readonly (
    | 'not-encrypted'
    | 'this-computer'
    | 'ip'
    | 'extension'
    | 'punycode'
    | 'mixed'
    | 'alike'
    | 'hosting'
    | 'opaque'
  )[]
}

/**
 * Suffixes below which others than the owner have domains. The whole public suffix list has 100 kB. Nothing is decided by these: the
 * whole host is always shown, permissions belong to whole origins, and a suffix that is missing makes only a part stand out that is too
 * short. What must not happen is that a part stands out that the attacker chose freely, as in uniswap.org.example.com, and it cannot: the last
 * two labels always stand out.
 */
const hostings =
  ' github.io gitlab.io bitbucket.io pages.dev workers.dev vercel.app now.sh netlify.app netlify.com web.app firebaseapp.com appspot.com run.app herokuapp.com onrender.com fly.dev deno.dev surge.sh render.com glitch.me repl.co replit.app replit.dev codesandbox.io stackblitz.io webcontainer.io gitpod.io ngrok.io ngrok.app ngrok-free.app ngrok-free.dev trycloudflare.com loca.lt webflow.io wixsite.com wixstudio.com weebly.com squarespace.com framer.app framer.website framer.ai carrd.co notion.site super.site gitbook.io readthedocs.io myshopify.com blogspot.com wordpress.com cloudfront.net amazonaws.com amplifyapp.com azurewebsites.net azurestaticapps.net windows.net googleusercontent.com translate.goog eth.limo eth.link eth.sucks dweb.link ipfs.io nftstorage.link w3s.link fleek.co on-fleek.app arweave.net ar.io icp0.io ic0.app skynetfree.net 4everland.app 4everland.xyz spheron.app lovable.app bolt.host base44.app '

/** Second labels that countries use as a part of the suffix, as in co.uk. */
const seconds = /^(ac|co|com|edu|gob|gov|gouv|ltd|mil|ne|net|nom|nic|or|org|plc|sch|go|gen|web|info|biz|asn|id)$/

/** readOrigin reads an origin that the browser gave. known are the origins that have a permission. */
export function readOrigin(text: string, known: readonly string[] = []): Origin {
  let url: URL | undefined
  try {
    url = new URL(text)
  } catch {
    // as for an opaque origin
  }
  const web = url?.protocol === 'https:' || url?.protocol === 'http:'
  if (!url || url.host === '' || (web && url.origin !== text)) return { text, scheme: '', before: '', domain: text, notes: ['opaque'] }
  const notes: Origin['notes'][number][] = []
  const { hostname, protocol } = url
  const port = url.port && `:${url.port}`
  const scheme = protocol === 'https:' ? '' : `${protocol}//`
  if (!web) {
    return { text, scheme, before: '', domain: url.host, notes: [protocol.endsWith('-extension:') ? 'extension' : 'opaque'] }
  }
  const local = hostname === 'localhost' || hostname.endsWith('.localhost') || /^127(\.\d+){3}$/.test(hostname) || hostname === '[::1]'
  if (local) notes.push('this-computer')
  else if (protocol === 'http:') notes.push('not-encrypted')
  if (/^\[|^\d+(\.\d+){3}$/.test(hostname)) {
    if (!local) notes.push('ip')
    return { text, scheme, before: '', domain: url.host, notes }
  }

  const labels = hostname.replace(/\.$/, '').split('.')
  const last = labels.slice(-2).join('.')
  const hosted = labels.length > 2 && hostings.includes(` ${last} `)
  const three = hosted || (labels.length > 2 && labels.at(-1)!.length === 2 && seconds.test(labels.at(-2)!))
  const count = Math.min(labels.length, three ? 3 : 2)
  const before = labels.slice(0, -count).map((label) => `${label}.`)
  if (hosted) notes.push('hosting')

  const shown = labels.map(unicode)
  const letters = shown.join('.')
  const odd = [
    ...new Set(shown.map(shownName).flatMap((name, i) => (name === legible(shown[i]!) ? [] : [name.slice(name.lastIndexOf('(') + 1, -1)]))),
  ]
  if (letters !== labels.join('.')) notes.push(odd.length > 0 ? 'mixed' : 'punycode')
  const like = known.find((other) => other !== text && alike(other, letters))
  if (like !== undefined) notes.push('alike')
  return {
    text,
    scheme,
    before: before.join(''),
    domain: labels.slice(-count).join('.') + port,
    ...(letters !== labels.join('.') && { letters }),
    ...(odd.length > 0 && { odd: odd.join(', ') }),
    ...(like !== undefined && { like: new URL(like).host }),
    ...(hosted && { hosting: last }),
    notes,
  }
}

/** alike reports whether letters can be taken for the host of an origin. */
function alike(origin: string, letters: string): boolean {
  try {
    const host = new URL(origin).hostname.split('.').map(unicode).join('.')
    return host !== letters && lookAlike(host, letters)
  } catch {
    return false
  }
}

/** unicode gives the letters of a label in Punycode (RFC 3492), or the label itself. */
export function unicode(label: string): string {
  if (!label.startsWith('xn--')) return label
  const body = label.slice(4)
  const dash = body.lastIndexOf('-')
  const out = dash > 0 ? Array.from(body.slice(0, dash)) : []
  let n = 128
  let i = 0
  let bias = 72
  for (let at = dash > 0 ? dash + 1 : 0; at < body.length;) {
    const old = i
    for (let weight = 1, k = 36; ; k += 36) {
      const c = body.charCodeAt(at++)
      const digit = c >= 97 && c <= 122 ? c - 97 : c >= 48 && c <= 57 ? c - 22 : -1
      if (digit < 0) return label
      i += digit * weight
      if (i > 0x7fffffff) return label
      const t = k <= bias ? 1 : k >= bias + 26 ? 26 : k - bias
      if (digit < t) break
      weight *= 36 - t
    }
    const length = out.length + 1
    let delta = Math.floor((i - old) / (old === 0 ? 700 : 2))
    delta += Math.floor(delta / length)
    let k = 0
    for (; delta > 455; k += 36) delta = Math.floor(delta / 35)
    bias = k + Math.floor((36 * delta) / (delta + 38))
    n += Math.floor(i / length)
    i %= length
    if (n > 0x10ffff || (n >= 0xd800 && n < 0xe000)) return label
    out.splice(i++, 0, String.fromCodePoint(n))
  }
  return out.join('')
}
