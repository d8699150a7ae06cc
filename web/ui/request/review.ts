// What the broker gives to a screen, and what the screen answers. The shapes are those of the broker.

import type { Interaction, SignInRequest, TransactionRequest, TypedData } from 'imkey-connect'

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
  | ({
      readonly kind: 'message'
      readonly account: Account
      /** Text, or bytes in hex after 0x. */
      readonly message: string
      readonly isText: boolean
      readonly signIn?: SignInRequest
    } & Shown)
  | ({ readonly kind: 'typed-data'; readonly account: Account; readonly document: TypedData; readonly version: 'V3' | 'V4' } & Shown)
  | ({
      readonly kind: 'transaction'
      readonly account: Account
      readonly chain: ChainFacts
      readonly replaces?: string
      /** Whether it is sent after it was signed. Otherwise the site gets it. */
      readonly sends: boolean
    } & Described)
  | { readonly kind: 'calls'; readonly account: Account; readonly chain: ChainFacts; readonly calls: readonly Described[] }

/** Review is a request of a site, ready to be shown. It is plain JSON. */
export interface Review {
  /** Random, 128 bits. An answer names it. */
  readonly id: string
  /** The origin that the browser vouches for. */
  readonly origin: string
  /** When the origin got its permission, in milliseconds since 1970; absent at its first visit. */
  readonly since?: number
  readonly what: What
  /** The requests behind this one. */
  readonly waiting: readonly { readonly origin: string; readonly count: number }[]
  /** The accounts among which the user chooses, for a request of kind accounts; the address where it is known. */
  readonly choices?: readonly { readonly path: string; readonly address?: string }[]
  /** The origins that have a permission: look-alikes of them are marked. */
  readonly known?: readonly string[]
}

/** Answer is what the user decided. */
export interface Answer {
  readonly id: string
  readonly yes: boolean
  /** The paths of the accounts that the site may see. */
  readonly paths?: readonly string[]
  /** Whether a sign-in message for another site or account is wanted all the same. */
  readonly override?: true
}
