/** Permission is what a site may do. The shape is that of the broker. */
export interface Permission {
  readonly origin: string
  readonly since: number
  readonly used: number
  readonly chainId: number
  readonly accounts: readonly { readonly address: string; readonly path: string }[]
}

/** Activity is something that was signed. The shape is that of the broker. */
export interface Activity {
  readonly at: number
  readonly origin: string
  readonly kind: 'message' | 'typed-data' | 'transaction' | 'calls'
  readonly account: string
  readonly chainId?: number
  readonly payment?: string
  readonly receiver?: string
  readonly hash?: string
  readonly domain?: string
}

/** Sites is what the lists show. It is a part of the broker's state. */
export interface Sites {
  readonly permissions: readonly Permission[]
  /** The newest first. */
  readonly activity: readonly Activity[]
  /** The origins that have a page open. */
  readonly open: readonly string[]
}

/** Asking is what the user is asked to confirm: to revoke the permission of an origin, or to erase all activity, or that of an origin. */
export type Asking = { readonly revoke: string } | { readonly erase: true | string }
