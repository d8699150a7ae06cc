// What stands between a site and its connector, each with a sentence that says what to change.

import type { ProviderErrorCode } from '../types/imkey'
import { Refusal } from '../provider/refusal'

const obstacle = (number: number, code: ProviderErrorCode, reason: string, message: string, retryable = true, data = {}) =>
  new Refusal(number, message, code, retryable, undefined, { ...data, reason })

/** popupBlocked is the error where the browser opened no window. */
export const popupBlocked = (origin: string) =>
  obstacle(
    4100,
    'permission-denied',
    'popup-blocked',
    `The browser did not open the window of ${origin}. Press the button again, and allow pop-ups for this site if the browser asks. (Call request directly in the handler of a click. A sandboxed frame needs allow-popups.)`,
  )

/** openerPolicy is the error where a header of this site cuts the window off. */
const openerPolicy = (origin: string) =>
  obstacle(
    -32603,
    'unsupported',
    'opener-policy',
    `This site’s settings cut it off from the window of ${origin}. Close that window, and report this to the operator of this site. (Send Cross-Origin-Opener-Policy: same-origin-allow-popups or noopener-allow-popups instead of same-origin. A page that must be cross-origin isolated has to connect in another page, or to embed the SDK without a connector.)`,
    false,
  )

/** opaqueOrigin is the error of a page that has no origin by which a connector could know it. */
export const opaqueOrigin = () =>
  obstacle(
    -32603,
    'unsupported',
    'opaque-origin',
    'This page has no address that a connector could show to you. Open it in a tab of its own. (A sandboxed frame needs allow-same-origin.)',
    false,
  )

/** noPage is the error where there is no page that could open a window, as in a worker. */
export const noPage = () =>
  obstacle(-32603, 'unsupported', 'no-page', 'Only a page can open the connector. Open this site in a tab, then try again.', false)

/** windowGone is the error of a request whose window was closed, was reloaded or crashed. */
export const windowGone = (origin: string) =>
  obstacle(4900, 'aborted', 'window-closed', `The window of ${origin} was closed before this was done. Try again to open it again.`)

/** noAnswer is the error where the window showed something else than a connector, or nothing. */
export const noAnswer = (url: string) =>
  obstacle(
    4900,
    'timeout',
    'connector-silent',
    `The connector did not answer. Close its window and try again; if it happens again, report it to the operator of this site. (${url} must be the page /connect of imkey-connect, served with Cross-Origin-Opener-Policy: unsafe-none.)`,
  )

/** otherVersion is the error where the connector speaks in another way than this SDK. */
export const otherVersion = (origin: string, detail: string) =>
  obstacle(
    -32603,
    'protocol',
    'connector-version',
    `The connector at ${origin} and this site have versions that do not fit. Report it to the operator of this site. (Use the same release of imkey-connect for both; ${detail})`,
    false,
  )

/** nodeRefused is the error where a node answers this site, but not the connector. data is that of the connector's error. */
export const nodeRefused = (origin: string, data: object) =>
  obstacle(
    -32603,
    'node-unreachable',
    'node-cors',
    `A node answers this site, but not the connector at ${origin}. Report it to the operator of this site. (The node has to allow that origin, too, by Access-Control-Allow-Origin: ${origin} or *.)`,
    false,
    data,
  )

/**
 * closedEarly gives the error where the window reads as closed before its page answered. A Cross-Origin-Opener-Policy of this page has that
 * effect although the window is open; a script does not see the policy, so the server is asked again.
 */
export async function closedEarly(origin: string): Promise<Refusal> {
  if (globalThis.crossOriginIsolated) return openerPolicy(origin)
  try {
    const { headers } = await fetch(location.href, { method: 'HEAD', signal: AbortSignal.timeout(3000) })
    if (/^\s*same-origin\s*(;|$)/.test(headers.get('cross-origin-opener-policy') ?? '')) return openerPolicy(origin)
  } catch {
    // the page's own policy or server does not allow it
  }
  return obstacle(
    4900,
    'aborted',
    'window-closed',
    `The window of ${origin} was closed before it answered. Try again, and leave it open. (If it is still open, Cross-Origin-Opener-Policy: same-origin of this site, or any of the connector, cuts it off.)`,
  )
}
