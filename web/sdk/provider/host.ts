import type { ChainOptions, Device, ImKey } from '../types/imkey'
import type { Chain } from './chain'
import type { LoadDialog } from './dialog'
import type { Known } from './memory'
import type { Settings } from './options'
import type { Consents } from './review'
import type { Reads } from './rpc'
import type { Turns } from './turns'

/**
 * Host is what provider.ts, which imkey.js carries, gives to the engine, which is loaded on demand. A broker has an engine for each site,
 * and gives each a Host.
 */
export interface Host {
  readonly settings: Settings
  readonly loadDialog: LoadDialog
  /** The origin of the site that asks, as the browser names it. Without it, it is that of this page. */
  readonly origin?: string
  /** The turns with the devices, which several engines share. Without it, an engine has its own. */
  readonly turns?: Turns
  /** Notes how much of a node's answer is read, and ends the reading when it is too much. Without it, only each answer is bounded. */
  readonly reads?: Reads
  /** Asks the user before the device does. Without it, only the device asks. */
  readonly consents?: Consents
  imkey(): Promise<ImKey>
  /** Gives a device that this page may use. With again, the user chooses even when only one is known. */
  find(again: boolean, method: string, serial?: string | null, signal?: AbortSignal): Promise<Device>
  /** Asks the user something, and says so by interaction events. */
  prompt<T>(reason: 'pair', method: string, question: () => Promise<T>): Promise<T>
  emit(name: 'connect' | 'chainChanged' | 'accountsChanged' | 'message' | 'interaction', payload: unknown): void
  /** Emits disconnect with a sentence that says why. */
  gone(why: string): void
  readChain(chain: ChainOptions): Chain
  /** Gives the chain with that id that a request of the site named, while it is kept. Only a broker has such chains. */
  named?(id: number): Chain | undefined
  /** Reads what is kept of an earlier connection, if anything is to be kept. */
  recall(): Known | undefined
  remember(known: Known | undefined): void
}
