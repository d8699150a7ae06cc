import type { ErrorCode } from '../words/codes'
import { codeOf, dataOf, statusWordOf } from '../model/failure'
import { knownFacts } from '../model/facts'
import type { Report } from '../model/report'
import type { ImKey } from '../model/sdk'
import type { KnownFacts, Managed } from '../model/facts'
import type { FileProblem, LostStep, ManageState } from './state'

/** The largest file that is read, in bytes: an exported binding has less than a thousand. */
const largest = 100_000

/** ManagerEnvironment is all that the management needs from outside; a test gives its own. */
export interface ManagerEnvironment {
  imkey(): Promise<ImKey>
  /** The public keys of the simulator's CAs, in hex; none off a simulator. */
  readonly simulatorKeys: readonly string[]
  readonly report: Report
  /** Has the browser keep a file where its person finds it. */
  save(name: string, content: Uint8Array): void
  /** Goes on with the device that has this serial number. */
  connectTo(serial: string): void
  /** Takes the state to show; null gives back to the pairing what is shown. */
  show(state: ManageState | null, closing?: Closing): void
  /** Takes the devices that this browser knows, whenever they changed. */
  list(devices: readonly KnownFacts[]): void
}

/** Closing is how what was managed ended, for the pairing to say. */
export type Closing = Managed | 'forgotten'

/** Origin is a device as the pairing sees it: what a flow was begun from. */
export interface Origin {
  readonly seid: string
  readonly serial: string
}

/**
 * Manager does what can be done with this browser's records of devices, plugged in or not. It opens no device. What a
 * flow still does after its person left it is not shown.
 */
export class Manager {
  #state: ManageState | null = null
  #devices: readonly KnownFacts[] = []
  #run = new AbortController()
  /** Where a flow goes back to: what it was begun from. */
  #origin: KnownFacts | null = null
  /** Only this device's file is taken. */
  #only: Origin | null = null
  #file: { readonly name: string; readonly content: Uint8Array } | null = null
  /** Imports over what is there. It has the passphrase in it, so it goes when its question does. */
  #replace: (() => Promise<void>) | null = null
  readonly #listening = new WeakSet<ImKey>()

  constructor(private readonly environment: ManagerEnvironment) {}

  get state(): ManageState | null {
    return this.#state
  }

  /** Reads the records anew and tells of them. What is wrong with the store is told by what needs it. */
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
      const facts = (await imkey.knownDevices()).map((known) => knownFacts(known, plugged.has(known.serial), this.environment.simulatorKeys))
      this.#devices = await Promise.all(facts)
    } catch (error) {
      this.environment.report.failure(codeOf(error), statusWordOf(error))
      return
    }
    this.environment.list(this.#devices)
    const shown = this.#state
    // What is shown of a device changes under nobody's finger but where it is only looked at, or said to be plugged in.
    if (shown?.name !== 'known' && !(shown?.name === 'lost' && shown.step === 'first')) return
    const known = shown.known && this.#find(shown.known.seid)
    if (!known && shown.name === 'known') return this.close('forgotten') // in another tab
    if (known && JSON.stringify(known) !== JSON.stringify(shown.known)) this.#show({ ...shown, known })
  }

  /** Shows one device that this browser knows. */
  open(seid: string): void {
    const known = this.#find(seid)
    if (known) this.#show({ name: 'known', known })
  }

  /** Goes back to the device that a flow was begun with, or to the pairing. */
  back(): void {
    const known = this.#origin && this.#find(this.#origin.seid)
    this.#origin = null
    if (known) this.#show({ name: 'known', known })
    else this.close()
  }

  /** Gives back to the pairing what is shown. Nothing that was typed stays. */
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

  /** Asks for a name. Begun from a record's page, it goes back there; else, to the pairing. */
  rename(seid?: string): Promise<void> {
    return this.#begin(seid, (known) => ({ name: 'rename', known }))
  }

  /** Gives the device a name of its person's own; an empty one takes it away. */
  saveName(name: string): Promise<void> {
    const state = this.#state
    if (state?.name !== 'rename') return Promise.resolve()
    const { seid } = state.known
    const written = name.replace(unfit, ' ').trim()
    const called = written === '' ? null : written
    return this.#during(async (run, imkey) => {
      await imkey.rename(seid, called)
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
      await imkey.forget(state.known.seid)
      await this.refresh()
      run.throwIfAborted()
      this.close('forgotten')
    })
  }

  /** Asks for the passphrase of a file to export to. */
  exportBinding(seid?: string): Promise<void> {
    return this.#begin(seid, (known) => ({ name: 'export', known }))
  }

  exportWith(passphrase: string): Promise<void> {
    const state = this.#state
    if (state?.name !== 'export' || state.going) return Promise.resolve()
    const { known } = state
    return this.#during(async (run, imkey) => {
      this.#set({ ...state, going: true })
      const content = await imkey.exportBinding(known.seid, passphrase, { signal: run })
      run.throwIfAborted()
      const file = fileName(known.serial)
      this.environment.save(file, content)
      this.#set({ name: 'exported', known, file })
    })
  }

  /** Asks for a file to import; begun from a device, only one of that device is taken. */
  importBinding(only: Origin | null = null): void {
    this.#origin = null
    this.#only = only
    this.#show({ name: 'import' })
  }

  /** Takes the file, chosen or dropped. */
  take(file: Pick<File, 'name' | 'size' | 'arrayBuffer'>): Promise<void> {
    if (this.#state?.name !== 'import') return Promise.resolve()
    return this.#during(async (run) => {
      if (file.size === 0 || file.size > largest) return this.#set({ name: 'import', problem: 'not-a-binding' })
      const content = await file.arrayBuffer().then((read) => new Uint8Array(read), () => null)
      run.throwIfAborted()
      // A folder cannot be read, nor what is on a disk that is gone.
      if (!content) return this.#set({ name: 'import', problem: file.name.endsWith('.age') ? 'damaged' : 'not-a-binding' })
      if (!begins(content)) return this.#set({ name: 'import', problem: 'not-a-binding' })
      this.#file = { name: file.name, content }
      this.#set({ name: 'import-passphrase', file: file.name })
    })
  }

  importWith(passphrase: string): Promise<void> {
    const file = this.#file
    if (this.#state?.name !== 'import-passphrase' || this.#state.going || !file) return Promise.resolve()
    return this.#import(file, passphrase, false)
  }

  /** Imports over the binding that is there. */
  replaceNow(): Promise<void> {
    const replace = this.#replace
    return this.#state?.name === 'import-exists' && replace ? replace() : Promise.resolve()
  }

  /** Begins with somebody who does not have the binding code. */
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

  /** Goes on with somebody who does not have the binding code. It resets nothing, ever. */
  lostGoOn(step: LostStep): void {
    const state = this.#state
    if (state?.name === 'lost') this.#show({ ...state, step })
  }

  /** Nobody looks any more: what was typed and read goes. */
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
          ...(only && { seid: only.seid }),
        })
        await this.refresh()
        run.throwIfAborted()
        this.#forgetSecrets()
        this.#set({ name: 'known', known: this.#find(known.seid) ?? (await knownFacts(known, false, this.environment.simulatorKeys)), said: 'imported' })
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

  /** Begins a flow with a device: that of the record's page, or another that the pairing names. */
  async #begin(seid: string | undefined, state: (known: KnownFacts) => ManageState): Promise<void> {
    const shown = this.#state
    if (seid === undefined) {
      if (shown?.name !== 'known') return
      this.#origin = shown.known
      this.#show(state(shown.known))
      return
    }
    this.#origin = null
    if (!this.#find(seid)) await this.refresh()
    const known = this.#find(seid)
    if (known) this.#show(state(known))
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
        return this.close('forgotten') // in another tab
      }
      const code: ErrorCode = codeOf(error)
      this.environment.report.failure(code, statusWordOf(error))
      this.#forgetSecrets()
      this.#set({ name: 'trouble', code })
    }
  }

  #forgetSecrets(): void {
    this.#file?.content.fill(0)
    this.#file = null
    this.#replace = null
  }

  /** Shows a state that its person asked for: whatever was under way counts no more. */
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

/** What no name may have: controls, ends of lines, changes of direction. */
const unfit = /[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu

/** What every exported binding begins with: wasm/backup/sealed. */
const magic = 'imkey-connect binding\n'

/** begins says that a file is an exported binding, or what is left of one, as far as that shows without its passphrase. */
function begins(content: Uint8Array): boolean {
  return magic.startsWith(new TextDecoder().decode(content.subarray(0, magic.length)))
}

/** fileName names a file without a secret: by the serial number, without what is no letter or digit. */
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
