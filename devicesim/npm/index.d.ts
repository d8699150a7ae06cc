/** Options of the simulator, as `imkeysim browser -h` describes them. */
export interface ImKeyOptions {
  /** The words of the wallet: 12 or 24. Never those of a real one. The fixtures start with `testMnemonic`; '' means no wallet. */
  mnemonic?: string
  /** The PIN; the device starts locked. */
  pin?: string
  /** The number of devices. */
  devices?: number
  /** Origins of sites, as `http://localhost:5173`, and ids of extensions that may use the devices without a question. */
  allow?: string[]
  /** How questions are answered: `ask`, the default, waits for the buttons. */
  answer?: 'ask' | 'yes' | 'no'
  /** A file that keeps the device. */
  state?: string
  serial?: string
  /** Makes all randomness reproducible, keys included. */
  seed?: number
  /** The device asks for OK before it is bound. */
  confirmBinding?: boolean
  /** A bound device signs for other apps, too. */
  unbound?: boolean
  /** Faults that are armed at the start. */
  fault?: Fault[]
  /** A file to record in. */
  record?: string
  /** A recording to play instead of simulating a device. */
  replay?: string
  /** The browser's binary, if it is not Debian's. */
  chromium?: string
  /** Removes the browser's profile at the end. */
  temporary?: boolean
  /** A file to write where the simulator is, besides imkeysim.json in the profile. */
  file?: string
  /** The address of the simulator, as `127.0.0.1:0`. */
  addr?: string
}

/** A fault, as docs/testing.md lists them. */
export interface Fault {
  on: 'in' | 'out'
  packet: number
  do: 'stall' | 'short' | 'babble' | 'drop' | 'delay' | 'unplug' | 'powercut' | 'corrupt' | 'zero'
  count?: number
  ms?: number
  bytes?: number
  hex?: string
}

/** The state of the device. devicesim/device/status.go documents all fields. */
export interface State {
  serial: string
  seid: string
  /** The simulator's CA, for the SDK's `trustedCAs`. */
  ca: string
  plugged: boolean
  locked: boolean
  wallet: boolean
  binding: 'none' | 'code-shown' | 'bound'
  /** Four lines of at most 16 characters, or none without power. */
  screen: string[]
  /** The screen asks a question that a button answers. */
  asking: boolean
  codeAttemptsLeft: number
  pinAttemptsLeft: number
}

/** What the simulator remembers besides the trace: a screen, an action of the user, or faults that were armed. */
export interface Moment {
  time: string
  kind: 'screen' | 'user' | 'faults'
  /** The lines, none if the screen is dark. */
  screen?: string[]
  /** The name of the call below `device/`, as `press`. */
  action?: string
  button?: Button
  hold?: boolean
  faults?: Fault[]
}

/** One event on the bus. */
export interface Exchanged {
  n: number
  time: string
  kind: 'packet' | 'control' | 'apdu' | 'plug' | 'screen'
  dir?: 'in' | 'out'
  hex?: string
  text: string
  /** Why a packet or a control request failed. */
  fault?: string
}

export interface Timeout {
  /** In milliseconds; 30 seconds by default. */
  timeout?: number
}

export type Button = 'ok' | 'cancel' | 'up' | 'down'

/** A simulated device, and its user. No call sleeps: each waits for a state of the device. */
export class ImKey {
  constructor(
    url: string,
    devices?: number,
    device?: number,
    browser?: (path: string, body?: string) => Promise<{ ok: boolean; status: number; text: string }>,
  )
  /** The origin of the control API and of the simulator's pages: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly devices: number
  readonly number: number
  /** The questions that were answered. */
  readonly questions: string[]
  /** Returns device n, from 1 on. */
  device(n: number): ImKey
  /** Calls the control API. With a body it is a POST, which answers with the state. */
  call(call: string, body?: unknown): Promise<any>
  state(): Promise<State>
  press(button: Button, options?: { hold?: boolean }): Promise<State>
  /** Waits for a state. */
  until(ok: (state: State) => boolean, options?: Timeout): Promise<State>
  /** Waits until the screen shows a binding code, and reads it. */
  code(options?: Timeout): Promise<string>
  /** Waits until the screen asks, reads all of the question, and confirms it. Returns the question, one page a line. */
  approve(options?: Timeout): Promise<string>
  /** The same, and rejects it. */
  reject(options?: Timeout): Promise<string>
  screen(): Promise<string[]>
  unplug(): Promise<void>
  plug(): Promise<void>
  /** Arms faults, in place of earlier ones; none clears them. */
  fault(...faults: Fault[]): Promise<void>
  /** Restores a wallet at once. */
  restore(mnemonic?: string): Promise<void>
  /** What was exchanged over USB so far, in words and bytes. */
  trace(): Promise<Exchanged[]>
  /** The screens so far, and what the user did. */
  history(): Promise<Moment[]>
  /** Adds a line about the page to the report, and perhaps a picture as a data URL. */
  note(what: string, picture?: string): void
  /** Makes this the user of a recording. */
  plays(questions: string[]): void
  /** Ends a simulator of `startSimulator`. That of a browser ends with the browser: close waits until it has written its files. */
  close(): Promise<void>
}

/** The words of the wallet that tests use. */
export const testMnemonic: string
/** Whether the device can be plugged into an unmodified browser here: on Linux. */
export const plugsIn: boolean
/** `--no-sandbox` for root, which Chromium's sandbox refuses, and where IMKEY_NO_SANDBOX is set, as in a container; else nothing. */
export const asRoot: string[]
/** The path of imkeysim. */
export function program(): string
/** The path of the file that tools take as their browser. Linux only. */
export function browserPath(): string
/** The variables that give the browser its options, for a tool that passes its environment on. */
export function environment(options?: ImKeyOptions): Record<string, string>
/** The switches that give the browser its options, among Chromium's own. */
export function switches(options?: ImKeyOptions): string[]
/** A name for the option `file`. */
export function newFile(): string
/** Waits for the file of a browser that starts, imkeysim.json in its profile or the option `file`, and returns its device. */
export function find(file: string, options?: Timeout): Promise<ImKey>
/** Starts a simulator without a browser. It ends with `close`, and with this process. */
export function startSimulator(options?: ImKeyOptions): Promise<ImKey>
/** The id that Chromium gives an unpacked extension. */
export function extensionId(folder: string): string
/** The script that gives a page the WebSocket device as navigator.usb: the lesser way, for browsers into which no device can be plugged. */
export function simulatedUSB(url: string): string
export function lesserWay(): void
export function removed(file: string): Promise<void>
