// What the broker gives to a screen, and what the screen answers. The shapes are those of the broker.

import type { Interaction, KnownDevice, SignInRequest, TransactionRequest, TypedData } from 'imkey-connect'

export interface Account {
  readonly address: string
  readonly path: string
}

/** ChainFacts are what a screen says of a chain. */
export interface ChainFacts {
  readonly id: number
  readonly name?: string
  readonly nativeCurrency: { readonly symbol: string; readonly decimals: number }
  /** Whether name and coin are this library's. Otherwise they are the site's word. */
  readonly known: boolean
  /** The host of the node that is asked first. */
  readonly node?: string
}

/** Shown is what the device shows: the digest, where blind. */
export interface Shown {
  readonly blind?: boolean
  readonly digest?: string
}

export type Description = Pick<Interaction, 'summary' | 'screen'> & Shown

export interface Described {
  /** Complete: as it will be signed. */
  readonly transaction: TransactionRequest
  readonly description: Description
}

/** What is what a site asks for. What is signed afterwards is exactly what it says. */
export type What =
  | { readonly kind: 'accounts' }
  | {
      readonly kind: 'message'
      readonly account: Account
      /** Text, or bytes in hex after 0x. */
      readonly message: string
      readonly isText: boolean
      readonly description: Shown
      readonly signIn?: SignInRequest
    }
  | {
      readonly kind: 'typed-data'
      readonly account: Account
      readonly document: TypedData
      readonly version: 'V3' | 'V4'
      readonly description: Shown
    }
  | ({
      readonly kind: 'transaction'
      readonly account: Account
      readonly chain: ChainFacts
      readonly replaces?: string
      /** Whether it is sent after it was signed. Otherwise the site gets it. */
      readonly sends: boolean
    } & Described)
  | { readonly kind: 'calls'; readonly account: Account; readonly chain: ChainFacts; readonly calls: readonly Described[] }
  /** The site, which was an app of its own, hands its binding over. known is what this browser has of the device already. */
  | {
      readonly kind: 'hand-over'
      readonly serial: string
      readonly seid: string
      readonly known?: Pick<KnownDevice, 'name' | 'serial' | 'state'>
    }

/** Review is a request of a site, ready to be shown. It is plain JSON. */
export interface Review {
  /** Random, 128 bits in hex. An answer names it. */
  readonly id: string
  /** The origin that the browser vouches for. */
  readonly origin: string
  /** When the origin got its permission, in milliseconds since 1970; absent at its first visit. */
  readonly since?: number
  readonly what: What
  /** The accounts among which the user chooses, for a request of kind accounts; the address where it is known. The first is the default. */
  readonly choices?: readonly { readonly path: string; readonly address?: string }[]
}

/** Answer is what the user decided. */
export interface Answer {
  readonly id: string
  readonly yes: boolean
  /** Which of the choices the site may see, by their positions. */
  readonly accounts?: readonly number[]
  /** Whether the user wants what the screen warns of: a sign-in message for another site or account, or a binding in place of the present one. */
  readonly override?: boolean
  /** With a rejection: rejects what else the origin has in the queue. */
  readonly all?: boolean
}
