/** The key in chrome.storage.sync of the switch for window.ethereum. Content scripts read it, so it is not in chrome.storage.local. */
export const legacyKey = 'window.ethereum'

/** The key in chrome.storage.local of the node for Bitcoin. Without a value there is none: it would hear the user's addresses. */
export const bitcoinNodeKey = 'setting bitcoin-node'

/**
 * isNode says whether a text is an address of a node for Bitcoin: encrypted, or of this computer, as far as the extension's policy lets it be
 * asked. Paths are added to it, and fetch takes no address with a user name or a password.
 */
export function isNode(text: string): boolean {
  if (!URL.canParse(text) || /[?#]/.test(text)) return false
  const { protocol, hostname, username, password } = new URL(text)
  if (username !== '' || password !== '') return false
  return protocol === 'https:' || (protocol === 'http:' && /^(localhost|.+\.localhost|127\.0\.0\.1)$/.test(hostname))
}
