// The messages between the extension's own pages and the offscreen document. Both are from one build, so they need no schema.

import type { Answer, Permission, State as BrokerState } from 'imkey-connect/broker'
import type { State as RequestState } from '../../ui/request/state'

/** The names of the ports to the offscreen document. */
export type PortName = 'site' | 'request' | 'pair' | 'ui'

/** What a request window says. The first message names its request. */
export type FromRequest = { readonly id: string } | { readonly answer: Answer } | { readonly cancel: string }

/** What a request window is told. */
export type ToRequest = { readonly show: RequestState } | { readonly close: true }

/** What the tab says that pairs: the device is bound, and whether the user has read what follows. */
export interface FromPair {
  readonly serial: string
  readonly done: boolean
}

/** What the tab is told: the site that waits for the device, or nothing where the user came by himself. */
export interface ToPair {
  readonly origin?: string
}

/** DeviceView is a device as the popup shows it. */
export interface DeviceView {
  readonly serial: string
  readonly name: string | null
  readonly state: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  readonly plugged: boolean
}

/** What the popup and the tabs are told at every change. */
export interface View extends BrokerState {
  /** The devices that this browser knows; absent while they cannot be read. */
  readonly devices?: readonly DeviceView[]
  /** Whether an imKey is plugged in that this browser does not know. */
  readonly unknown: boolean
  /** The origin of the top frame of the tab that the popup belongs to, if the page there asked for something. */
  readonly here?: string
}

/** What the popup and the tabs say. */
export type FromView =
  | { readonly tab: number }
  | { readonly revoke: string; readonly coin?: Permission['coin'] }
  | { readonly erase: string | null }
  | { readonly raise: true }
