// What a broker and the shell around it give to each other. A Review and an Answer are plain JSON: a shell may send them to another window.

import type { OtherCoin } from '../sdk/protocol/messages'
import type { Json } from '../sdk/protocol/schema'
import type { Account, What as Asked } from '../sdk/provider/review'
import type {
  BitcoinSummary,
  CosmosDescription,
  Device,
  ImKey,
  KnownDevice,
  ProviderInteraction,
  TronTransactionDescription,
} from '../sdk/types/imkey'

export type { Json } from '../sdk/protocol/schema'
export type { Account, ChainFacts, Described } from '../sdk/provider/review'

/** Coin is a coin that a site may have a permission for. Each has a permission of its own. */
export type Coin = 'ethereum' | OtherCoin

/** What is what a site asks for. */
export type What =
  | Asked
  | CoinTransaction
  /** The site, which was an app of its own, hands its binding over to this one. known is what this browser has of the device already. */
  | {
      readonly kind: 'hand-over'
      readonly serial: string
      readonly seid: string
      readonly known?: Pick<KnownDevice, 'name' | 'serial' | 'state'>
    }

/** CoinTransaction is a transaction of another coin than Ethereum. The description is computed from what is signed. */
export type CoinTransaction =
  | { readonly kind: 'tron-transaction'; readonly account: Account; readonly description: TronTransactionDescription }
  /** account is the first one of the site. The summary is computed with the extended public keys of its accounts. */
  | { readonly kind: 'bitcoin-transaction'; readonly account: Account; readonly network: string; readonly summary: BitcoinSummary }
  /** messages are those of the document. Those of a SignDoc are in bytes: fields of a type that is not known have numbers. */
  | {
      readonly kind: 'cosmos-transaction'
      readonly account: Account
      readonly description: CosmosDescription
      readonly messages: readonly Json[]
      /** The fee, with who pays it, if that is another account. */
      readonly fee: Json
    }

/** Review is a question on a request screen. */
export interface Review {
  /** 128 random bits in hex. The answer names it. */
  readonly id: string
  /** Who asks, as the browser says. */
  readonly origin: string
  /** When the origin got its permission, in milliseconds since 1970; absent if it has none. */
  readonly since?: number
  readonly what: What
  /** The paths that the user may choose from, for `accounts`, with the addresses that are known already. The first is the default. */
  readonly choices?: readonly { readonly path: string; readonly address?: string }[]
}

/** Answer is what the user decided. */
export interface Answer {
  /** The id of the review. */
  readonly id: string
  readonly yes: boolean
  /** For `accounts`: which of the choices, by their positions. Default: the first. */
  readonly accounts?: readonly number[]
  /**
   * The user wants what the screen warns of: a sign-in message for another site or account, or a handed-over binding in place of the one that
   * this browser has.
   */
  readonly override?: boolean
  /** With a rejection: rejects what else the origin has in the queue. */
  readonly all?: boolean
}

/** Waiting is a request that asks the user, in the queue. */
export interface Waiting {
  readonly origin: string
  readonly method: string
}

/** Permission is what the user allowed an origin: to see addresses, and to ask for signatures. Each signature is asked for anew. */
export interface Permission {
  readonly origin: string
  /** When it was given and last used, in milliseconds since 1970. */
  readonly since: number
  readonly used: number
  /** Absent for Ethereum. */
  readonly coin?: OtherCoin
  /** The selected chain of Ethereum. */
  readonly chainId?: number
  /** The name of the chain, if this library knows it. */
  readonly chainName?: string
  readonly accounts: readonly { readonly address: string; readonly path: string }[]
}

/** Activity is something that was signed. It holds no message, no signature and no transaction. */
export interface Activity {
  /** The time, in milliseconds since 1970. */
  readonly at: number
  readonly origin: string
  readonly kind: 'message' | 'typed-data' | 'transaction' | 'calls'
  /** Absent for Ethereum. */
  readonly coin?: OtherCoin
  readonly account: string
  readonly chainId?: number
  /** The name of the chain, if this library knows it. */
  readonly chainName?: string
  /** What a transaction paid, its receiver and its hash. */
  readonly payment?: string
  readonly receiver?: string
  readonly hash?: string
  /** The domain that a sign-in message signed in to, or the name of a document's domain. */
  readonly domain?: string
}

/** State is what a shell shows besides request screens. It is plain JSON, and every change makes a new one. */
export interface State {
  readonly permissions: readonly Permission[]
  /** The requests that ask the user. One of the first's origin is on the screen, if any. */
  readonly queue: readonly Waiting[]
  /** The newest first. */
  readonly activity: readonly Activity[]
  /** The origins that have a port open. */
  readonly open: readonly string[]
}

/** Progress is what the user has to do outside the request screen. */
export interface Progress extends ProviderInteraction {
  /** The review that it belongs to; absent if it belongs to none. */
  readonly review?: string
}

/** Pairing is what the user does where the browser's chooser opens and the binding code is typed. */
export type Pairing =
  /** No device is permitted yet, or several are. Resolve to the device that the user chose. */
  | { readonly reason: 'choose'; readonly imkey: ImKey; readonly signal: AbortSignal }
  /**
   * The device is not bound to this app. It is open. Resolve when it is bound. A shell whose pairing runs in another page closes it first;
   * the broker opens it again.
   */
  | { readonly reason: 'bind'; readonly imkey: ImKey; readonly device: Device; readonly signal: AbortSignal }

/** Outcome is how a request ended. Of an error, it has the code, and data.reason where that says more. */
export interface Outcome {
  readonly done: boolean
  readonly code?: string
  readonly reason?: string
}

/** Shell is the surroundings of a broker: a window or an extension. */
export interface Shell {
  /**
   * Shows a review on a request screen and resolves to the answer. It rejects where the screen was closed without one, which counts as a
   * rejection by the user. When the signal aborts, the request is gone: the screen closes.
   */
  ask(review: Review, signal: AbortSignal): Promise<Answer>
  /**
   * The request that was answered with yes needs neither the user nor the device for a while. Another one may be asked meanwhile. The user
   * can still cancel this one. settled may follow, or resumed.
   */
  paused?(review: Review): void
  /** The request goes on with the device. It resolves when its screen is shown again. */
  resumed?(review: Review, signal: AbortSignal): Promise<void>
  /** The request that was answered with yes is settled. The screen can close. */
  settled(review: Review, outcome: Outcome): void
  /** The device waits for the user, or has stopped waiting. */
  device(progress: Progress): void
  /**
   * A request failed before the user was asked, because its device is not there: it is not plugged in, or the browser may not use it any more.
   * code is that of the error. A shell offers to choose the device.
   */
  unreached?(code: string): void
  /** Lets the user choose or bind a device. It resolves to the device for `choose`. It rejects with 4001 or an ImKeyError otherwise. */
  pair(pairing: Pairing): Promise<Device | void>
  /** The state changed. */
  changed(state: State): void
}

/**
 * Storage keeps values by key, which are JSON. What it reads is a claim: the broker checks it. Keys begin with the name of their table and a
 * space, such as `permission https://example.org`. Brokers in several windows may share it. A method rejects where it did not do what it says.
 */
export interface Storage {
  list(prefix: string): Promise<readonly (readonly [key: string, value: unknown])[]>
  put(key: string, value: unknown): Promise<void>
  /**
   * Puts a value in place of another one. It resolves to false, and does nothing, where the key does not have that one any more: another
   * broker changed or deleted it. Nothing comes between the two.
   */
  replace(key: string, before: unknown, value: unknown): Promise<boolean>
  delete(key: string): Promise<void>
  /** Calls changed with a key that another window or worker wrote or deleted; undefined if all were deleted. */
  watch?(changed: (key: string | undefined) => void): void
}

/** Port is one site's way to the broker, from one document. */
export interface Port {
  /** Sends a message to the site. It must not throw. */
  post(message: string): void
  /** Ends the connection. */
  close(): void
}
