/** icon is a picture of an imKey for lists of wallets, as a data URI. */
export const icon =
  'data:image/svg+xml,' +
  encodeURIComponent(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32" width="96" height="96"><rect width="32" height="32" rx="7" fill="#e8eef4"/>' +
      '<rect x="3" y="9" width="26" height="14" rx="4.5" fill="#1d2733"/><rect x="6" y="12" width="11" height="8" rx="2" fill="#8fd3ff"/>' +
      '<circle cx="21" cy="16" r="2" fill="#8b98a6"/><circle cx="25.5" cy="16" r="1.6" fill="#8b98a6"/></svg>',
  )
