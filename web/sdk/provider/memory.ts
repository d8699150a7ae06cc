/** Known is what localStorage keeps of a connection, so that eth_accounts answers after a reload. It holds no secret. */
export interface Known {
  readonly accounts: readonly { readonly address: string; readonly path: string }[]
  readonly serial: string | null
  /** What tells the device from another one with that USB serial number. */
  readonly device: string
  readonly chainId: number
}

export function recall(key: string): Known | undefined {
  try {
    const known = JSON.parse(localStorage.getItem(key)!) as Known
    const { accounts, serial, device, chainId } = known
    if (
      accounts.length > 0 &&
      accounts.every(({ address, path }) => /^0x[0-9a-f]{40}$/i.test(address) && typeof path === 'string') &&
      (serial === null || typeof serial === 'string') &&
      typeof device === 'string' &&
      Number.isSafeInteger(chainId)
    )
      return known
  } catch {
    // Nothing is stored, it has another form, or storage is blocked: nothing is known.
  }
  return undefined
}

export function remember(key: string, known: Known | undefined) {
  try {
    if (known) localStorage.setItem(key, JSON.stringify(known))
    else localStorage.removeItem(key)
  } catch {
    // Storage is blocked or full: the connection works, but is not remembered.
  }
}
