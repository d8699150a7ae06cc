import type { ErrorCode, Interaction } from 'imkey-connect'
import type { Review } from '../../broker/types'

/** State is what a request window shows. It is plain JSON. */
export type State =
  /** There is no request. */
  | { readonly name: 'idle' }
  /** The user decides. */
  | {
      readonly name: 'asking'
      readonly review: Review
      /** The requests behind this one. */
      readonly waiting?: readonly { readonly origin: string }[]
      /** The origins that have a permission: look-alikes of them are marked. */
      readonly known?: readonly string[]
    }
  /** The request goes to the device. sent is the part that it has, from 0 to 1. */
  | { readonly name: 'sending'; readonly review: Review; readonly sent?: number; readonly step?: Step }
  /** The device asks the user. */
  | {
      readonly name: 'device'
      readonly review: Review
      readonly step?: Step
      /** The strings for the device's screen, as its event says. Of several calls, they say which one it asks about. */
      readonly screen?: Interaction['screen']
    }
  /** The device is locked. */
  | { readonly name: 'locked'; readonly review: Review }
  | { readonly name: 'cancelling'; readonly review: Review }
  /** The site does not want it any more, or its page is gone. */
  | { readonly name: 'withdrawn'; readonly review: Review }
  | { readonly name: 'done'; readonly review: Review }
  | { readonly name: 'rejected'; readonly review: Review }
  | { readonly name: 'failed'; readonly review: Ended; readonly code: ErrorCode; readonly reason?: string }
  /** The device could not be reached, and the user chose it again. */
  | { readonly name: 'chosen'; readonly review: Ended }

/** Ended is a request that has no screen any more, or had none because its device is not there. */
export type Ended = Pick<Review, 'id'>

/** unreached stands for the requests whose device is not there. */
export const unreached: Ended = { id: 'unreached' }

/** Step is which of several confirmations the device asks for, from 1. */
export interface Step {
  readonly number: number
  readonly of: number
}
