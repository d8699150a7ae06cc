import type { Chain } from '../sdk/provider/chain'
import type { Consent, Review as Ask } from '../sdk/provider/review'
import type { Turns } from '../sdk/provider/turns'
import type { Device, ImKey } from '../sdk/types/imkey'
import type { Prompts } from './prompts'
import type { Records } from './records'
import type { Room } from './room'
import type { Pairing, Progress, What } from './types'

/** Around is what the sites of a broker share. */
export interface Around {
  readonly version: string
  readonly chains: readonly Chain[]
  readonly rpcTimeout: number
  readonly records: Records
  readonly prompts: Prompts
  readonly turns: Turns
  /** The room for the characters of requests under way, and for the bytes of what nodes answer. */
  readonly characters: Room
  readonly answers: Room
  /** The room for the characters of chains that sites define, as JSON. */
  readonly definitions: Room
  /** The names that sites gave to chains. */
  readonly names: WeakMap<Chain, string>
  imkey(): Promise<ImKey>
  /** Gives the address of the Esplora API that the user chose, if there is one. */
  bitcoinNode(): Promise<string | undefined>
  pair(pairing: Pairing): Promise<Device | void>
  /** Asks the user, and does the work within the turn: see Review of the provider. */
  review<T>(origin: string, what: () => Promise<What>, call: Parameters<Ask>[1], work: (consent: Consent) => Promise<T>): Promise<T>
  device(origin: string, progress: Progress): void
  /** A request that asks the user failed. The signal is the request's. */
  failed(signal: AbortSignal, thrown: unknown): void
  /** The site with that origin has no connection any more. */
  empty(origin: string): void
}
