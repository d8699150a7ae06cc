import type { ErrorCode } from '../i18n/errors'

/** DeviceFacts is what a person may know about the device. The SEID is not among it: nobody needs it here. */
export interface DeviceFacts {
  readonly serial: string
  readonly firmware: string | null
  readonly bootloader: string | null
  readonly battery: number | null
  readonly charging: boolean | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  readonly certificate: 'verified' | 'unverified'
}

/** Damage is what is wrong with what this browser keeps of a device, where only forgetting it helps. */
export type Damage = 'record-corrupt' | 'device-mismatch'

/** CodeSource says where the person finds the code: on the device's screen, or on the paper from the first binding. */
export type CodeSource = 'screen' | 'paper'

/**
 * State is all that the pairing shows. It holds no secret: the characters of the code live in the boxes' value
 * properties alone, so that a state can be logged, reported and drawn by a test.
 */
export type State =
  | { readonly name: 'unsupported'; readonly reason: 'no-webusb' | 'insecure-context' }
  /** `forgotten`: a binding just was. */
  | { readonly name: 'start'; readonly forgotten?: true }
  | { readonly name: 'choosing' }
  | { readonly name: 'opening' }
  /** The device wants its person first; the page looks again by itself. */
  | { readonly name: 'waiting'; readonly reason: 'locked' | 'in-menu' }
  | { readonly name: 'recognised'; readonly device: DeviceFacts }
  | { readonly name: 'unverified'; readonly device: DeviceFacts }
  | { readonly name: 'elsewhere'; readonly device: DeviceFacts }
  | { readonly name: 'code'; readonly source: CodeSource; readonly notice?: 'shown-again' | 'aborted' | 'code-format' }
  /** `attention`: the device waits for its person's press. */
  | { readonly name: 'checking'; readonly source: CodeSource; readonly attention: boolean }
  /** The person stopped the check, and the device has not let go of it yet. */
  | { readonly name: 'stopping'; readonly source: CodeSource }
  | { readonly name: 'wrong'; readonly source: CodeSource; readonly triesLeft: number | null }
  | {
      readonly name: 'bound'
      readonly device: DeviceFacts
      /** Bound just now, rather than on an earlier visit. */
      readonly fresh: boolean
      /** Whether the code was kept in this browser; of interest only when fresh. */
      readonly kept: boolean
      /** false: the browser refused to promise that it keeps its storage. */
      readonly persisted: boolean | null
      readonly plugged: boolean
      /**
       * What became of the person's last wish about the binding code: the device is asked; the code that this browser
       * keeps is on the page; it was and is no more; none was kept; the code is on the device's screen.
       */
      readonly manage?: 'asking' | 'revealed' | 'hidden' | 'not-remembered' | 'on-screen'
    }
  /** Asks once more before the binding is forgotten; `damage` is why, where it is no mere wish. `going`: it is under way. */
  | { readonly name: 'forget'; readonly serial: string; readonly damage?: Damage; readonly going?: true }
  | { readonly name: 'error'; readonly code: ErrorCode }

export type StateName = State['name']

/** entersCode says that the state shows the eight boxes; going from one such state to another keeps them. */
export function entersCode(state: State): state is Extract<State, { name: 'code' | 'checking' | 'stopping' | 'wrong' }> {
  return state.name === 'code' || state.name === 'checking' || state.name === 'stopping' || state.name === 'wrong'
}

/** damaged says that the error is a fault of what this browser keeps, which its person can have it forget. */
export function damaged(code: ErrorCode): code is Damage {
  return code === 'record-corrupt' || code === 'device-mismatch'
}
