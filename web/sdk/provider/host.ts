import type { ChainOptions, Device, ImKey } from '../types/imkey'
import type { Chain } from './chain'
import type { LoadDialog } from './dialog'
import type { Known } from './memory'
import type { Settings } from './options'

/** Host is what provider.ts, which imkey.js carries, gives to the engine, which is loaded on demand. */
export interface Host {
  readonly settings: Settings
  readonly loadDialog: LoadDialog
  imkey(): Promise<ImKey>
  /** Gives a device that this page may use. With again, the user chooses even when only one is known. */
  find(again: boolean, method: string, serial?: string | null): Promise<Device>
  /** Asks the user something, and says so by interaction events. */
  prompt<T>(reason: 'pair', method: string, question: () => Promise<T>): Promise<T>
  emit(name: 'connect' | 'chainChanged' | 'accountsChanged' | 'message' | 'interaction', payload: unknown): void
  /** Emits disconnect with a sentence that says why. */
  gone(why: string): void
  readChain(chain: ChainOptions): Chain
  /** Reads what is kept of an earlier connection, if anything is to be kept. */
  recall(): Known | undefined
  remember(known: Known | undefined): void
}
