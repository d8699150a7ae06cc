/** The key in chrome.storage.sync of the switch for window.ethereum. Content scripts read it, so it is not in chrome.storage.local. */
export const legacyKey = 'window.ethereum'
