// What a sign-in message (EIP-4361) says, and whether it is for the site that asks. Everything that signs messages for a site asks here.

import type { SignInRequest } from '../types/imkey'
import { unlessAborted } from './call'
import { Refusal } from './refusal'

/** SignIn is what a sign-in message says. A field that the message lacks, or has in another form, is undefined. */
export interface SignIn {
  /** The site to which the signature signs in, as a host with a port if it has one; undefined if the message does not name one alone. */
  readonly domain: string | undefined
  /** The scheme before the domain, such as `https:`. */
  readonly scheme: string | undefined
  readonly address: string | undefined
  readonly uri: string | undefined
  readonly chainId: string | undefined
}

/** Mismatch is a way in which a sign-in message does not fit the site and the account that ask for it. */
export type Mismatch = SignInRequest['differs'][number]

/** Characters that are not visible: sites and users do not compare them. */
const invisible = /\p{Default_Ignorable_Code_Point}|\p{Cf}/gu

/**
 * The words by which EIP-4361 tells a sign-in message from others, however they are spaced. CAIP-122 has the name of any chain in the place of
 * Ethereum, and libraries write `**Polygon**` there, for sites that take both. So the name is free before an address of an account.
 */
const words =
  /wants\s+you\s+to\s+sign[\s\p{Pd}]*in\s+with\s+your(?:\s+ethereum\s+account|(?:\s+\S+){1,6}?\s+account(?=[\s:]*(?:eip155:\d+:)?0x[0-9a-f]{40}))/giu

/**
 * readSignIn reads a message. It returns undefined if the message is none of sign-in. It recognises more than the grammar of EIP-4361, as
 * a site may accept more: any message with the words of a sign-in is one. Its domain is then the only text before the words.
 */
export function readSignIn(message: string | Uint8Array): SignIn | undefined {
  const raw = typeof message === 'string' ? message : new TextDecoder().decode(message)
  const text = raw.normalize('NFKC').replace(invisible, '')
  const [found, another] = text.matchAll(words)
  if (!found) return undefined
  const before = text.slice(0, found.index).trim()
  const after = text.slice(found.index + found[0].length)
  // EIP-4361: domain is an RFC 3986 authority, perhaps after a scheme. Other text, a name of a user or a path are for no site that is known.
  const [, scheme, domain] = /^(?:([a-z][a-z0-9+.-]*:)\/\/)?([^\s/\\?#@]+)$/iu.exec(another ? '' : before) ?? []
  const field = (name: string) => new RegExp(`^[^\\S\\r\\n]*${name}:[^\\S\\r\\n]*(\\S+)`, 'imu').exec(after)?.[1]
  return {
    domain: domain && hostOf(`${scheme ?? 'https:'}//${domain}`) && domain,
    scheme: scheme?.toLowerCase(),
    address: /^\s*:?\s*(0x[0-9a-f]{40})(?![0-9a-z])/iu.exec(after)?.[1],
    uri: field('URI'),
    chainId: field('Chain ID'),
  }
}

/**
 * mismatches returns what in a sign-in message does not fit. origin is the site that asks, as the browser names it; null or an opaque
 * origin fits no domain. A subdomain and its parent are two sites, and so are two ports.
 */
export function mismatches(
  signIn: SignIn,
  { origin, address, chainId }: { origin: string | undefined; address: string; chainId: number },
): Mismatch[] {
  const { domain, scheme } = signIn
  const site = origin !== undefined && /^[a-z][a-z0-9+.-]*:\/\/./i.test(origin) ? new URL(origin) : undefined
  const differs: Mismatch[] = []
  const fits =
    site && domain !== undefined && (scheme ?? site.protocol) === site.protocol && hostOf(`${site.protocol}//${domain}`) === site.host
  if (!fits) differs.push('domain')
  if (signIn.address?.toLowerCase() !== address.toLowerCase()) differs.push('address')
  if (site && hostOf(signIn.uri ?? '') !== site.host) differs.push('uri')
  if (signIn.chainId !== String(chainId)) differs.push('chain')
  return differs
}

/** hostOf gives host and port of an address as browsers write them: in lower case, in Punycode, and without the scheme's own port. */
function hostOf(address: string): string | undefined {
  try {
    return new URL(address).host
  } catch {
    return undefined
  }
}

/**
 * ownOrigin is the origin of the page that this code runs in. In a worker, in node and in a sandboxed frame there is no page that a user
 * sees, so it is undefined.
 */
export function ownOrigin(): string | undefined {
  const { document, location } = globalThis as { document?: unknown; location?: { origin?: unknown } }
  const origin = document && location?.origin
  return typeof origin === 'string' && origin !== 'null' ? origin : undefined
}

/** describeSignIn gives what a sign-in message says, as readSignIn gave it, and what of it does not fit. */
export function describeSignIn(
  message: string | Uint8Array,
  signIn: SignIn,
  { origin, address, chainId }: { origin: string | undefined; address: string; chainId: number },
): SignInRequest {
  const differs = mismatches(signIn, { origin, address, chainId })
  const { domain, uri, chainId: chain } = signIn
  const text = typeof message === 'string' ? message : new TextDecoder().decode(message)
  return Object.freeze({
    message: text,
    origin,
    account: address,
    domain,
    address: signIn.address,
    uri,
    chainId: chain,
    differs: Object.freeze(differs),
  })
}

/**
 * checkSignIn rejects if a message signs in to another site than the one that asks, or with another account, unless confirm resolves to
 * true for this very message. A different URI or chain is no reason to refuse, since sites use them.
 */
export async function checkSignIn(
  request: SignInRequest,
  confirm: ((request: SignInRequest) => unknown) | undefined,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { origin, domain, address, account, differs } = request
  const another = differs.includes('domain')
    ? `The message signs in to ${named(domain)}, but ${named(origin && new URL(origin).host)} asks for it`
    : address !== undefined && differs.includes('address')
      ? `The message signs in with the account ${address}, but ${account} is to sign it`
      : undefined
  if (another === undefined || (confirm && (await unlessAborted(signal, Promise.resolve(request).then(confirm))) === true)) return
  throw new Refusal(
    4100,
    `${another}, so nothing was signed. Do not sign in there from here: the signature could be used in your name.`,
    'invalid-argument',
    false,
    undefined,
    { reason: 'sign-in' },
  )
}

/** named writes a site for a sentence. What is no plain host could pretend to be part of the sentence. */
const named = (site: string | undefined) => (site && /^[a-z0-9.:[\]-]{1,253}$/i.test(site) ? site : 'an unknown site')
