// What a site asks the user for. A broker shows it on a screen of its own before the device is asked.

import type {
  Account as DeviceAccount,
  Description,
  SignInRequest,
  TransactionDescription,
  TransactionRequest,
  TypedData,
} from '../types/imkey'
import type { Call } from './call'
import type { CallsStatus, Receipt } from './callsstatus'
import type { Chain } from './chain'

/** OtherCoin is a coin besides Ethereum. Without one, a request is for Ethereum. */
export type OtherCoin = 'tron' | 'bitcoin' | 'cosmos'

/** Account is an account that the site may use. */
export type Account = Pick<DeviceAccount, 'address' | 'path'>

/** ChainFacts are what a screen says of a chain. */
export interface ChainFacts {
  readonly id: number
  /** The chain's name; absent if neither the broker nor the site gives one. */
  readonly name?: string
  readonly nativeCurrency: { readonly symbol: string; readonly decimals: number }
  /** Whether name and coin are this library's. Otherwise they are the site's word, and a screen has to say so. */
  readonly known: boolean
  /** The host of the node that is asked first. */
  readonly node?: string
}

/** Described is a transaction, and what it does. */
export interface Described {
  /** Complete: as it will be signed. Numbers are in hex. */
  readonly transaction: TransactionRequest
  readonly description: TransactionDescription
}

/**
 * What is what a site asks for. It is computed from the request itself, it is plain JSON, so that another window can show it, and what is
 * signed afterwards is exactly what it says.
 */
export type What =
  /** The site wants to see addresses. */
  | { readonly kind: 'accounts'; readonly coin?: OtherCoin; readonly network?: string }
  /** A message of EIP-191: text, or bytes in hex after 0x. */
  | {
      readonly kind: 'message'
      readonly coin?: OtherCoin
      readonly account: Account
      readonly message: string
      readonly isText: boolean
      /** Without a digest, it is not known before the device computes it. */
      readonly description: Pick<Description, 'blind'> & Partial<Description>
      /** What the message says, if it is one of sign-in (EIP-4361), and whether it fits the site. */
      readonly signIn?: SignInRequest
    }
  | {
      readonly kind: 'typed-data'
      readonly coin?: OtherCoin
      readonly account: Account
      /** Plain JSON: bytes are in hex, and a number beyond the safe integers is text. */
      readonly document: TypedData
      readonly version: 'V3' | 'V4'
      readonly description: Description
    }
  | ({
      readonly kind: 'transaction'
      readonly account: Account
      readonly chain: ChainFacts
      /** The hash of the transaction that this one replaces, because it has the same nonce. */
      readonly replaces?: string
      /** Whether it is sent after it was signed. Otherwise the site gets it. */
      readonly sends: boolean
    } & Described)
  /** Calls of one batch (EIP-5792), each a transaction. The device confirms each of them. */
  | {
      readonly kind: 'calls'
      readonly account: Account
      readonly chain: ChainFacts
      readonly calls: readonly Described[]
      /**
       * The number of the first of these calls in the batch, from 1. It is above 1, or there are fewer calls than in the batch, if the node
       * can complete a call only when the one before is in a block, and if another transaction took a nonce meanwhile. The user is
       * asked again for the rest.
       */
      readonly first: number
      /** How many calls the batch has. */
      readonly total: number
    }
  /** The site shows what became of a batch of calls. There is nothing to decide. */
  | {
      readonly kind: 'calls-status'
      readonly chain: ChainFacts
      readonly status: CallsStatus['status']
      /** Those of the calls that are in blocks, in the order of the calls. */
      readonly receipts: readonly Pick<Receipt, 'status' | 'transactionHash'>[]
      /** How many calls the batch has. */
      readonly total: number
    }

/** Consent is what the user decided on the screen. A rejection is an error with 4001. */
export interface Consent {
  /** Whether the user wants a sign-in message signed although it is for another site or account. */
  readonly override?: boolean
  /** Aborts when the call's signal does, or when the user cancels after the consent. The work goes on with it in place of the call's. */
  readonly signal?: AbortSignal
  /**
   * Lets other sites ask while a job runs that needs neither the user nor the device, such as a question to a node. It resolves as the job does,
   * when the review has its turn again. Where a page asks in itself, no other site waits.
   */
  readonly outside?: <T>(job: () => Promise<T>) => Promise<T>
  /** Notes that a call of a batch was signed, with its position in `calls`, also where a later one is not. */
  readonly signed?: (i: number, hash: string) => void
  /** The paths of the accounts that the site gets. */
  readonly paths?: readonly string[]
  /** Throws 4100 where the screen showed an address for a path, and the device has others there. */
  readonly compare?: (path: string, addresses: readonly string[]) => void
}

/**
 * Review asks the user whether a site may have what it asks for, and then does the work. It waits for its turn, which ends when the work
 * settles, so that no other site asks meanwhile. what is called in the turn, and asks no node: a node could hold up the other sites. Review
 * rejects as what does, with 4001 where the user does not want it, and as soon as the call's signal aborts before the work began. Work may
 * begin a second review only after the first settled.
 */
export type Review = <T>(what: () => Promise<What>, call: Call, work: (consent: Consent) => Promise<T>) => Promise<T>

/** Consents is what a broker gives to an engine. */
export interface Consents {
  readonly review: Review
  /** Says what a screen shows of a chain. */
  chain(chain: Chain): ChainFacts
  /** Shows what became of a batch of that many calls. The call is the one that asks for it. */
  show(status: CallsStatus, total: number, chain: Chain, call: Call): Promise<void>
}

/** reviewed does the work after a review, or at once where no broker asks the user. */
export const reviewed = <T>(
  { consents }: { readonly consents?: Consents },
  what: What,
  call: Call,
  work: (consent: Consent) => Promise<T>,
): Promise<T> => (consents ? consents.review(async () => what, call, work) : work({}))
