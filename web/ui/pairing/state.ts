import type { DeviceFacts, KnownFacts, Managed } from '../model/facts'
import type { ErrorCode } from '../words/codes'

/** Choice is one of several devices that are plugged in. */
export interface Choice {
  /** As USB tells it. */
  readonly serial: string | null
  readonly called: string | null
  readonly known: boolean
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
  /** `forgotten`: a binding just was. `devices`: those that this browser knows, if any. */
  | { readonly name: 'start'; readonly forgotten?: true; readonly devices?: readonly KnownFacts[] }
  | { readonly name: 'choosing' }
  /** Several that this page may use are plugged in. */
  | { readonly name: 'several'; readonly choices: readonly Choice[] }
  | { readonly name: 'opening' }
  /** The device wants its person first; the page looks again by itself. */
  | { readonly name: 'waiting'; readonly reason: 'locked' | 'in-menu' }
  /** Another tab of this site holds the device. `mute`: it was asked to let go and did not answer. */
  | { readonly name: 'in-use'; readonly mute: boolean }
  /** Another tab of this site asked for the device, and this one let go of it. */
  | { readonly name: 'taken-over' }
  | { readonly name: 'recognised'; readonly device: DeviceFacts }
  /** It was bound to something before, and is to nothing now. */
  | { readonly name: 'reset'; readonly device: DeviceFacts }
  /** It was bound to this browser before, and is to something else now. */
  | { readonly name: 'rebound'; readonly device: DeviceFacts }
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
       * keeps is on the page; it was and is no more; none was kept; the code is on the device's screen. Or of another wish:
       * its name was saved or removed; it came to an end that needs no word.
       */
      readonly manage?: 'asking' | 'revealed' | 'hidden' | 'not-remembered' | 'on-screen' | Managed
    }
  /**
   * Asks once more before the binding is forgotten; `damage` is why, where it is no mere wish. `former`: the device is bound
   * to something else, so that nothing is lost with it. `going`: it is under way.
   */
  | { readonly name: 'forget'; readonly serial: string; readonly damage?: Damage; readonly former?: true; readonly going?: true }
  | { readonly name: 'error'; readonly code: ErrorCode }

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

/** entersCode says that the state shows the eight boxes; going from one such state to another keeps them. */
export function entersCode(state: State): state is Extract<State, { name: 'code' | 'checking' | 'stopping' | 'wrong' }> {
  return state.name === 'code' || state.name === 'checking' || state.name === 'stopping' || state.name === 'wrong'
}

/** damaged says that the error is a fault of what this browser keeps, which its person can have it forget. */
export function damaged(code: ErrorCode): code is Damage {
  return code === 'record-corrupt' || code === 'device-mismatch'
}

/** unmanaged returns the state without the outcome of the last request about the binding, which counts no more. */
export function unmanaged({ manage: _, ...state }: BoundState): BoundState {
  return state
}
