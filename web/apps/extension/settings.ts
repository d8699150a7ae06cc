/** The key in chrome.storage.sync of the switch for window.ethereum. Content scripts read it, so it is not in chrome.storage.local. */
export const legacyKey = 'window.ethereum'

/** The key in chrome.storage.local of the node for Bitcoin. Without a value there is none: it would hear the user's addresses. */
export const bitcoinNodeKey = 'setting bitcoin-node'
