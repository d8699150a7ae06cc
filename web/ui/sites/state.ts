import type { OtherCoin } from '../../sdk/provider/review'
import type { State } from '../../broker/types'

export type { OtherCoin } from '../../sdk/provider/review'
export type { Activity, Permission } from '../../broker/types'

/** Sites is what the lists show of the broker's state. */
export type Sites = Pick<State, 'permissions' | 'activity' | 'open'>

/** Asking is what the user is asked to confirm: to revoke the permission of an origin for a coin, or to erase all activity, or that of an origin. */
export type Asking = { readonly revoke: string; readonly coin?: OtherCoin } | { readonly erase: true | string }
