import type { DeviceFacts, KnownFacts, ManagementOutcome } from '../model/facts'
import type { ErrorCode } from 'imkey-connect'

/** Choice is one of several devices that are plugged in. */
export interface Choice {
  /** The serial number in the USB descriptor. */
  readonly serial: string | null
  readonly called: string | null
  /** Whether it is bound in this browser; null if the records cannot be read. */
  readonly known: boolean | null
}

/** Damage is what is wrong with a record that can only be forgotten. */
export type Damage = 'record-corrupt' | 'device-mismatch'

/** CodeSource is where the user finds the code: on the device's screen, or on paper since the first binding. */
export type CodeSource = 'screen' | 'paper'

/**
 * State is what the pairing shows. It contains no secret, so that it can be reported and drawn by a test: the characters of the
 * code are only in the value properties of the boxes.
 */
export type State =
  | { readonly name: 'unsupported'; readonly reason: 'no-webusb' | 'insecure-context' }
  /** `forgotten`: a binding was forgotten just now. `devices`: the known devices, if any. */
  | { readonly name: 'start'; readonly forgotten?: true; readonly devices?: readonly KnownFacts[] }
  | { readonly name: 'choosing' }
  /** Several devices that this page may use are plugged in. */
  | { readonly name: 'several'; readonly choices: readonly Choice[] }
  | { readonly name: 'opening' }
  /** The user must first do something on the device. The page notices it by itself. */
  | { readonly name: 'waiting'; readonly reason: 'locked' | 'in-menu' }
  /** Another tab of this site holds the device. `mute`: the tab was asked to release it and did not answer. */
  | { readonly name: 'in-use'; readonly mute: boolean }
  /** Another tab of this site has taken the device over. */
  | { readonly name: 'taken-over' }
  | { readonly name: 'recognised'; readonly device: DeviceFacts }
  /** The device was bound before and is not bound any more. */
  | { readonly name: 'reset'; readonly device: DeviceFacts }
  /** The device was bound to this browser before and is bound to another app now. */
  | { readonly name: 'rebound'; readonly device: DeviceFacts }
  /** `imported`: the device is bound by a binding from a file, so that no code is needed. */
  | { readonly name: 'unverified'; readonly device: DeviceFacts; readonly imported?: true }
  | { readonly name: 'elsewhere'; readonly device: DeviceFacts }
  /** `renew`: the device is bound to this browser, and the code makes a new key. */
  | {
      readonly name: 'code'
      readonly source: CodeSource
      readonly renew?: true
      readonly notice?: 'shown-again' | 'aborted' | 'code-format'
    }
  /** `attention`: the device waits until the user presses a button. */
  | { readonly name: 'checking'; readonly source: CodeSource; readonly attention: boolean }
  /** The user stopped the check, and the device has not finished it yet. */
  | { readonly name: 'stopping'; readonly source: CodeSource }
  | { readonly name: 'wrong'; readonly source: CodeSource; readonly renew?: true; readonly triesLeft: number | null }
  | {
      readonly name: 'bound'
      readonly device: DeviceFacts
      /** Whether it was bound just now, and not on an earlier visit. */
      readonly fresh: boolean
      /** Whether the code was kept in this browser. It is shown only if `fresh`. */
      readonly kept: boolean
      /** Whether the browser promised to keep its storage. It is null if the browser was not asked. */
      readonly persisted: boolean | null
      readonly plugged: boolean
      /**
       * The outcome of the user's last action. `asking`: the device is asked. `revealed`: the page shows the code that this
       * browser keeps. `hidden`: the page showed it before. `not-remembered`: this browser keeps no code. `on-screen`: the
       * device shows the code. `renewed`: there is a new key. The others are outcomes of the management of devices.
       */
      readonly manage?: 'asking' | 'renewed' | 'revealed' | 'hidden' | 'not-remembered' | 'on-screen' | ManagementOutcome
    }
  /**
   * Asks before the binding is forgotten. `damage`: the reason, if the record is damaged. `former`: the device is bound to
   * another app, so that nothing is lost with the record. `going`: it is being forgotten.
   */
  | { readonly name: 'forget'; readonly serial: string; readonly damage?: Damage; readonly former?: true; readonly going?: true }
  | { readonly name: 'error'; readonly code: ErrorCode; readonly reason?: string }

export type StateName = State['name']

/** BoundState is the state of a device that is bound to this browser. */
export type BoundState = Extract<State, { name: 'bound' }>

const exceptionalNames = ['unsupported', 'several', 'in-use', 'taken-over', 'reset', 'rebound', 'elsewhere', 'forget', 'error'] as const

/** ExceptionalState is a state that a first pairing does not show as long as nothing goes wrong. */
export type ExceptionalState = Extract<State, { name: (typeof exceptionalNames)[number] }>

/** isExceptional reports whether the state is exceptional. What draws such a state is loaded when there is one. */
export function isExceptional(state: State): state is ExceptionalState {
  return (exceptionalNames as readonly string[]).includes(state.name)
}

/** entersCode reports whether the state shows the eight boxes. They stay from one such state to the next. */
export function entersCode(state: State): state is Extract<State, { name: 'code' | 'checking' | 'stopping' | 'wrong' }> {
  return state.name === 'code' || state.name === 'checking' || state.name === 'stopping' || state.name === 'wrong'
}

/** damaged reports whether the error means that the record is damaged, so that the user can only forget it. */
export function damaged(code: ErrorCode): code is Damage {
  return code === 'record-corrupt' || code === 'device-mismatch'
}

/** unmanaged returns the state without the outcome of the last request about the binding, which no longer matters. */
export function unmanaged({ manage: _, ...state }: BoundState): BoundState {
  return state
}
