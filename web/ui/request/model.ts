// What a screen says of a request, in both languages. render.ts draws it.

import type { Text } from '../words/text'
import type { Origin } from './origin'

/** Value is a value with what is known of it. Text that others wrote is text, and is drawn with marks for what is not seen. */
export type Value =
  | { readonly kind: 'address'; readonly address: string; readonly name?: Text }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'hex'; readonly hex: string }
  | { readonly kind: 'words'; readonly words: Text }

export interface Row {
  readonly name: Text
  readonly value: Value
  readonly danger?: boolean
}

/** Alert is a sentence that stands out. danger is red: it can cost everything. */
export interface Alert {
  readonly level: 'danger' | 'warning' | 'note'
  readonly text: Text
}

/** Branch is a value of typed data, by the name and type that the document gives. */
export interface Branch {
  readonly name: string
  readonly type: string
  readonly value?: Value
  readonly branches?: readonly Branch[]
  /** How many entries are left out. */
  readonly more?: number
}

/** Part says what a request or one call of it does. */
export interface Part {
  readonly sentence: Text
  /** Whether the sentence is red. */
  readonly danger: boolean
  readonly rows: readonly Row[]
  readonly alerts: readonly Alert[]
  readonly parts: readonly Part[]
}

/** Surroundings are what the meaning of a call depends on. */
export interface Surroundings {
  readonly chain: bigint | undefined
  /** The account that signs, in lower case. */
  readonly own: string
  /** An amount of the chain's coin in words. */
  readonly coin: (amount: bigint) => Text
  /** How many calls may still be read. The parts of a request share it. */
  readonly left: { calls: number }
}

/** DeviceText is what the device shows next. */
export interface DeviceText {
  /** The lines of its screen, each with its title as the device writes it: English in every language. */
  readonly lines: readonly { readonly title: string; readonly text: string }[]
  /** The digest that it shows in place of what it cannot show. */
  readonly digest?: string
  readonly note: Text
  /** How often it asks. */
  readonly times: number
}

/** Explanation is all that a screen says of a request. */
export interface Explanation {
  readonly origin: Origin
  readonly since?: number
  readonly part: Part
  /** The text of a message, or its bytes in hex. */
  readonly message?: { readonly text: string; readonly isText: boolean }
  /** All values of typed data. */
  readonly tree?: readonly Branch[]
  readonly cost: readonly Row[]
  readonly costAlerts: readonly Alert[]
  readonly device?: DeviceText
  /** For several calls, what the device shows for each. */
  readonly devices?: readonly DeviceText[]
  /** The words that the user has to agree to before the request can go on. */
  readonly override?: Text
}

/** Said is what follows from the request alone. */
export type Said = Omit<Explanation, 'origin' | 'since'>
