import type { ErrorCode } from 'imkey-connect'
import { codeOf, dataOf, reasonOf, statusWordOf } from '../model/failure'
import { knownFacts } from '../model/facts'
import { legible } from '../model/names'
import type { Report } from '../model/report'
import type { ImKey, Shown } from '../model/sdk'
import type { KnownFacts, ManagementOutcome } from '../model/facts'
import type { FileProblem, LostStep, ManageState } from './state'

/** The size of the largest file that is read, in bytes. An exported binding has less than a thousand bytes. */
const maxFileSize = 100_000

/** ManagerEnvironment is all that the management needs from outside. A test gives its own. */
export interface ManagerEnvironment {
  imkey(): Promise<ImKey>
  /** The public keys of the simulator's CAs, in hex. It is empty without a simulator. */
  readonly simulatorKeys: readonly string[]
  readonly report: Report
  /** Saves a file as a download. */
  save(name: string, content: Uint8Array): void
  /** Connects to the device with this serial number. */
  connectTo(serial: string): void
  /** Shows a state. With null, the pairing is shown again. */
  show(state: ManageState | null, closing?: Closing): void
  /** Takes the known devices whenever they may have changed. */
  list(devices: readonly KnownFacts[]): void
}

/** Closing is the outcome of the management, which the pairing shows. */
export type Closing = ManagementOutcome | 'forgotten'

/** Origin is the open device of the pairing that a flow was started from. */
export interface Origin {
  readonly seid: string
  readonly serial: string
}

/**
 * Manager manages this browser's records of devices, whether they are plugged in or not. It opens no device. A method that does
 * not fit the state does nothing. What a flow still does after the user left it is not shown.
 */
export class Manager {
  #state: ManageState | null = null
  #devices: readonly KnownFacts[] = []
  #run = new AbortController()
  /** The known device that a flow was started from and returns to. */
  #origin: KnownFacts | null = null
  /** If it is set, only a file of this device is imported. */
  #only: Origin | null = null
  #file: { readonly name: string; readonly content: Uint8Array } | null = null
  /** Imports and replaces the binding. The closure contains the passphrase, so it is dropped together with the question. */
  #replace: (() => Promise<void>) | null = null
  readonly #listening = new WeakSet<ImKey>()

  constructor(private readonly environment: ManagerEnvironment) {}

  get state(): ManageState | null {
    return this.#state
  }

  /** Reads the records again and passes them on. The calls that need the store report what is wrong with it. */
  async refresh(): Promise<void> {
    try {
      const imkey = await this.environment.imkey()
      if (!this.#listening.has(imkey)) {
        this.#listening.add(imkey)
        for (const type of ['connect', 'disconnect', 'knownchange'] as const) {
          imkey.addEventListener(type, () => void this.refresh())
        }
      }
      const plugged = new Set((await imkey.getDevices().catch(() => [])).map(({ serialNumber }) => serialNumber))
      const all = await imkey.knownDevices()
      const facts = all.map((known) => knownFacts(known, plugged.has(known.serial), this.environment.simulatorKeys, all))
      this.#devices = await Promise.all(facts)
    } catch (error) {
      this.environment.report.failure(codeOf(error), statusWordOf(error))
      return
    }
    this.environment.list(this.#devices)
    const shown = this.#state
    // A device is shown again only in states in which the user types and chooses nothing.
    if (shown?.name !== 'known' && !(shown?.name === 'lost' && shown.step === 'first')) return
    const known = shown.known && this.#find(shown.known.seid)
    if (!known && shown.name === 'known') return this.close('forgotten') // by another tab
    if (known && JSON.stringify(known) !== JSON.stringify(shown.known)) this.#show({ ...shown, known })
  }

  /** Shows a known device. */
  open(seid: string): void {
    const known = this.#find(seid)
    if (known) this.#show({ name: 'known', known })
  }

  /** Returns to the known device that the flow was started from, or to the pairing. */
  back(): void {
    const known = this.#origin && this.#find(this.#origin.seid)
    this.#origin = null
    if (known) this.#show({ name: 'known', known })
    else this.close()
  }

  /** Returns to the pairing. Nothing that was typed is kept. */
  close(closing: Closing = 'returned'): void {
    this.#forgetSecrets()
    this.#run.abort()
    this.#origin = null
    if (this.#state === null) return
    this.#state = null
    this.environment.show(null, closing)
  }

  connect(): void {
    const state = this.#state
    const serial = state && ('known' in state ? state.known?.serial : undefined)
    const to = serial ?? (state?.name === 'lost' ? state.serial : undefined)
    if (to === undefined) return
    this.close()
    this.environment.connectTo(to)
  }

  /** Asks for a name, for the known device that is shown or for the open one. */
  rename(open?: Shown): Promise<void> {
    return this.#begin(open, (known) => ({ name: 'rename', known }))
  }

  /** Saves the user's name for the device. An empty name removes it. */
  saveName(name: string): Promise<void> {
    const state = this.#state
    if (state?.name !== 'rename') return Promise.resolve()
    const { seid, shown } = state.known
    const written = legible(name)
    const called = written === '' ? null : written
    return this.#during(async (run, imkey) => {
      await imkey.rename(seid, called, { shown })
      await this.refresh()
      run.throwIfAborted()
      const known = this.#origin && this.#find(seid)
      this.#origin = null
      const said = called === null ? 'unnamed' : 'renamed'
      if (known) this.#show({ name: 'known', known, said })
      else this.close(said)
    })
  }

  forget(): Promise<void> {
    return this.#begin(undefined, (known) => ({ name: 'forget-known', known }))
  }

  forgetNow(): Promise<void> {
    const state = this.#state
    if (state?.name !== 'forget-known' || state.going) return Promise.resolve()
    return this.#during(async (run, imkey) => {
      this.#set({ ...state, going: true })
      await imkey.forget(state.known.seid, { shown: state.known.shown })
      await this.refresh()
      run.throwIfAborted()
      this.close('forgotten')
    })
  }

  /** Asks for the passphrase of the file to export. */
  exportBinding(open?: Shown): Promise<void> {
    return this.#begin(open, (known) => ({ name: 'export', known }))
  }

  exportWith(passphrase: string): Promise<void> {
    const state = this.#state
    if (state?.name !== 'export' || state.going) return Promise.resolve()
    const { known } = state
    return this.#during(async (run, imkey) => {
      this.#set({ ...state, going: true })
      const content = await imkey.exportBinding(known.seid, passphrase, { signal: run, shown: known.shown })
      run.throwIfAborted()
      const file = fileName(known.serial)
      this.environment.save(file, content)
      this.#set({ name: 'exported', known, file })
    })
  }

  /** Asks for a file to import. With `only`, it must be a file of that device. */
  importBinding(only: Origin | null = null): void {
    this.#origin = null
    this.#only = only
    this.#show({ name: 'import' })
  }

  /** Takes the file that the user chose or dropped. */
  take(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<void> {
    if (this.#state?.name !== 'import') return Promise.resolve()
    return this.#during(async (run) => {
      if (file.size === 0 || file.size > maxFileSize) return this.#set({ name: 'import', problem: 'not-a-binding' })
      const content = await file.arrayBuffer().then(
        (read) => new Uint8Array(read),
        () => null,
      )
      run.throwIfAborted()
      // A folder cannot be read, and neither can a file on a disk that was removed.
      if (!content) return this.#set({ name: 'import', problem: file.name.endsWith('.age') ? 'damaged' : 'not-a-binding' })
      if (!looksExported(content)) return this.#set({ name: 'import', problem: 'not-a-binding' })
      this.#file = { name: legible(file.name), content }
      this.#set({ name: 'import-passphrase', file: legible(file.name) })
    })
  }

  importWith(passphrase: string): Promise<void> {
    const file = this.#file
    if (this.#state?.name !== 'import-passphrase' || this.#state.going || !file) return Promise.resolve()
    return this.#import(file, passphrase, false)
  }

  /** Imports the file and replaces the binding that this browser has. */
  replaceNow(): Promise<void> {
    const replace = this.#replace
    return this.#state?.name === 'import-exists' && replace ? replace() : Promise.resolve()
  }

  /** Starts the steps for a user who does not have the binding code. */
  lost(from?: Origin): void {
    const state = this.#state
    if (from) {
      this.#origin = null
      this.#show({ name: 'lost', step: 'why', serial: from.serial, known: this.#find(from.seid) })
    } else if (state?.name === 'known') {
      const { known } = state
      this.#origin = known
      this.#show({ name: 'lost', step: 'first', serial: known.serial, known })
    }
  }

  /** Goes to the next of these steps. None of them resets anything. */
  lostGoOn(step: LostStep): void {
    const state = this.#state
    if (state?.name === 'lost') this.#show({ ...state, step })
  }

  /** Ends the management, because the page is hidden or closed. */
  leave(): void {
    this.close()
  }

  #import(file: { readonly name: string; readonly content: Uint8Array }, passphrase: string, replace: boolean): Promise<void> {
    const only = this.#only
    return this.#during(async (run, imkey) => {
      this.#set({ name: 'import-passphrase', file: file.name, going: true })
      try {
        const known = await imkey.importBinding(file.content, passphrase, {
          replace,
          signal: run,
          ...(only && { seid: only.seid, ...(only.serial !== '' && { serial: only.serial }) }),
        })
        await this.refresh()
        run.throwIfAborted()
        this.#forgetSecrets()
        this.#set({
          name: 'known',
          known: this.#find(known.seid) ?? (await knownFacts(known, false, this.environment.simulatorKeys)),
          said: 'imported',
        })
      } catch (error) {
        if (run.aborted) return
        const problem = problemOf(error)
        if (codeOf(error) === 'wrong-passphrase') {
          this.#set({ name: 'import-passphrase', file: file.name, problem: 'wrong-passphrase' })
        } else if (codeOf(error) === 'record-exists') {
          this.#replace = () => this.#import(file, passphrase, true)
          this.#set({ name: 'import-exists', file: file.name, known: this.#find(String(dataOf(error, 'seid'))) })
        } else if (problem) {
          this.#forgetSecrets()
          this.#set({ name: 'import', problem })
        } else throw error
        this.environment.report.failure(codeOf(error))
      }
    })
  }

  /** Starts a flow with the known device that is shown, or with the open one. Its record must be of the device that the user saw. */
  async #begin(open: Shown | undefined, state: (known: KnownFacts) => ManageState): Promise<void> {
    const before = this.#state
    if (!open) {
      if (before?.name !== 'known') return
      this.#origin = before.known
      this.#show(state(before.known))
      return
    }
    this.#origin = null
    if (!this.#find(open.seid)) await this.refresh()
    const known = this.#find(open.seid)
    if (known) this.#show(state({ ...known, shown: open }))
  }

  #find(seid: string): KnownFacts | null {
    return this.#devices.find((known) => known.seid === seid) ?? null
  }

  async #during(flow: (run: AbortSignal, imkey: ImKey) => Promise<void>): Promise<void> {
    this.#run.abort()
    const controller = new AbortController()
    this.#run = controller
    const run = controller.signal
    try {
      await flow(run, await this.environment.imkey())
    } catch (error) {
      if (run.aborted) return
      if (dataOf(error, 'reason') === 'unknown-device') {
        await this.refresh()
        return this.close('forgotten') // by another tab
      }
      const code: ErrorCode = codeOf(error)
      this.environment.report.failure(code, statusWordOf(error))
      this.#forgetSecrets()
      this.#set({ name: 'trouble', code, ...reasonOf(error) })
    }
  }

  #forgetSecrets(): void {
    this.#file?.content.fill(0)
    this.#file = null
    this.#replace = null
  }

  /** Shows a state that the user asked for, and ends the flow that is under way. */
  #show(state: ManageState): void {
    this.#run.abort()
    this.#forgetSecrets()
    this.#set(state)
  }

  #set(state: ManageState): void {
    this.#state = state
    this.environment.show(state)
  }
}

/** The first bytes of every exported binding: see package wasm/backup/sealed. */
const magic = 'imkey-connect binding\n'

/** looksExported reports whether a file looks like an exported binding or the beginning of one. */
function looksExported(content: Uint8Array): boolean {
  return magic.startsWith(new TextDecoder().decode(content.subarray(0, magic.length)))
}

/** fileName makes the name of an exported file of the letters and digits of the serial number. */
export function fileName(serial: string): string {
  const number = serial.replace(/^imkey/i, '').replace(/[^0-9A-Za-z]/g, '')
  return `imkey-${number}-binding.age`
}

function problemOf(error: unknown): FileProblem | null {
  switch (codeOf(error)) {
    case 'device-mismatch':
      return dataOf(error, 'reason') === 'secure-element' ? 'another-element' : 'another-device'
    case 'file-invalid': {
      const reason = dataOf(error, 'reason')
      return reason === 'damaged' || reason === 'version' ? reason : 'not-a-binding'
    }
    default:
      return null
  }
}
