import type { ErrorCode } from '../words/codes'
import type { KnownFacts } from '../model/facts'

/** FileProblem is why a file could not be imported, other than its passphrase. */
export type FileProblem = 'not-a-binding' | 'damaged' | 'version' | 'another-device' | 'another-element'

/** LostStep is how far somebody without the binding code has come. */
export type LostStep =
  /** There may be an easier way: this browser is bound and may have kept the code, or the imKey shows it. */
  | 'first'
  | 'why'
  /** Is the phrase at hand? */
  | 'at-hand'
  /** The same, asked so that it takes a look at the phrase. */
  | 'count'
  /** It is not: then nothing is to be reset. */
  | 'keep'
  | 'how'

/**
 * ManageState is all that the management of devices shows, beside the states of the pairing. It holds no secret: the
 * passphrases live in their fields alone.
 */
export type ManageState =
  | { readonly name: 'known'; readonly known: KnownFacts; readonly said?: 'renamed' | 'unnamed' | 'imported' }
  | { readonly name: 'rename'; readonly known: KnownFacts }
  | { readonly name: 'forget-known'; readonly known: KnownFacts; readonly going?: true }
  | { readonly name: 'export'; readonly known: KnownFacts; readonly going?: true }
  | { readonly name: 'exported'; readonly known: KnownFacts; readonly file: string }
  | { readonly name: 'import'; readonly problem?: FileProblem }
  | { readonly name: 'import-passphrase'; readonly file: string; readonly problem?: 'wrong-passphrase'; readonly going?: true }
  /** There is a binding of the file's device in this browser already. */
  | { readonly name: 'import-exists'; readonly file: string; readonly known: KnownFacts | null }
  | { readonly name: 'lost'; readonly step: LostStep; readonly serial: string; readonly known: KnownFacts | null }
  | { readonly name: 'trouble'; readonly code: ErrorCode }

export type ManageName = ManageState['name']

const names: Readonly<Record<ManageName, true>> = {
  'known': true,
  'rename': true,
  'forget-known': true,
  'export': true,
  'exported': true,
  'import': true,
  'import-passphrase': true,
  'import-exists': true,
  'lost': true,
  'trouble': true,
}

/** managing tells the states of the management from those of the pairing. */
export function managing(state: { readonly name: string }): state is ManageState {
  return Object.hasOwn(names, state.name)
}
