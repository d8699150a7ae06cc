import type { ErrorCode } from 'imkey-connect'
import type { KnownFacts } from '../model/facts'

/** FileProblem is the reason why a file cannot be imported, apart from a wrong passphrase. */
export type FileProblem = 'not-a-binding' | 'damaged' | 'version' | 'another-device' | 'another-element'

/** LostStep is a step for a user who does not have the binding code. */
export type LostStep =
  /** There may be an easier way: this browser may have kept the code, or the device shows it to this browser. */
  | 'first'
  | 'why'
  /** Asks whether the user has the mnemonic phrase. */
  | 'at-hand'
  /** Asks for the number of its words, so that the user looks at it. */
  | 'count'
  /** The user does not have it, so the device must not be reset. */
  | 'keep'
  | 'how'

/**
 * ManageState is what the management of devices shows. It contains no secret: the passphrases are only in their fields.
 */
export type ManageState =
  | { readonly name: 'known'; readonly known: KnownFacts; readonly said?: 'renamed' | 'unnamed' | 'imported' }
  | { readonly name: 'rename'; readonly known: KnownFacts }
  | { readonly name: 'forget-known'; readonly known: KnownFacts; readonly going?: true }
  | { readonly name: 'export'; readonly known: KnownFacts; readonly going?: true }
  | { readonly name: 'exported'; readonly known: KnownFacts; readonly file: string }
  | { readonly name: 'import'; readonly problem?: FileProblem }
  | { readonly name: 'import-passphrase'; readonly file: string; readonly problem?: 'wrong-passphrase'; readonly going?: true }
  /** This browser already has a binding of the file's device. */
  | { readonly name: 'import-exists'; readonly file: string; readonly known: KnownFacts | null }
  | { readonly name: 'lost'; readonly step: LostStep; readonly serial: string; readonly known: KnownFacts | null }
  | { readonly name: 'trouble'; readonly code: ErrorCode; readonly reason?: string }

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

/** managing reports whether a state is one of the management, and not one of the pairing. */
export function managing(state: { readonly name: string }): state is ManageState {
  return Object.hasOwn(names, state.name)
}
