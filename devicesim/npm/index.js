// A simulated imKey for tests: starts it, finds the one of a browser, and does what the device's user does.
import { spawn } from 'node:child_process'
import { createHash, randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { program } from './program.js'
import { until } from './steps.js'

export { browserPath, plugsIn, program } from './program.js'

/** The words of the wallet that tests use. Never use those of a real one. */
export const testMnemonic = 'abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about'

/**
 * asRoot are the switches that Chromium needs for root, which its sandbox refuses, and in a container that is the sandbox itself: there
 * IMKEY_NO_SANDBOX is set, and /dev/shm may be small.
 */
export const asRoot = process.env.IMKEY_NO_SANDBOX
  ? ['--no-sandbox', '--disable-dev-shm-usage']
  : process.getuid?.() === 0
    ? ['--no-sandbox']
    : []

/** names are the options of imkeysim, as its variables name them. */
const names = {
  mnemonic: 'MNEMONIC',
  pin: 'PIN',
  devices: 'DEVICES',
  allow: 'ALLOW',
  answer: 'APPROVE',
  state: 'STATE',
  serial: 'SERIAL',
  seed: 'SEED',
  confirmBinding: 'CONFIRM_BINDING',
  unbound: 'UNBOUND',
  fault: 'FAULT',
  record: 'RECORD',
  replay: 'REPLAY',
  chromium: 'CHROMIUM',
  temporary: 'TEMPORARY',
  file: 'FILE',
  addr: 'ADDR',
}

function text(name, value) {
  if (name === 'allow') return value.join(',')
  if (name === 'fault' && typeof value !== 'string') return JSON.stringify(value)
  return String(value)
}

/** given returns the options that have a value, as [name, text]. An unknown one is an error. */
function given(options) {
  return Object.entries(options)
    .filter(([, value]) => value !== undefined && value !== false && value.length !== 0)
    .map(([name, value]) => {
      if (!Object.hasOwn(names, name)) throw new TypeError(`There is no option ${name}; there are ${Object.keys(names).join(', ')}`)
      return [name, text(name, value)]
    })
}

/** environment returns the variables that give imkeysim's browser its options. */
export function environment(options = {}) {
  return Object.fromEntries(given(options).map(([name, value]) => [`IMKEYSIM_${names[name]}`, value]))
}

/** switches returns the switches that give imkeysim's browser its options. They stand among Chromium's own. */
export function switches(options = {}) {
  return given(options).map(([name, value]) => `--imkey-${names[name].toLowerCase().replaceAll('_', '-')}=${value}`)
}

/** loading returns Chromium's switches that load extensions from their folders, and no others. */
export const loading = (extensions) =>
  extensions.length ? [`--load-extension=${extensions.join(',')}`, `--disable-extensions-except=${extensions.join(',')}`] : []

/** newFile returns the name of a file in which a browser that is about to start says where its simulator is. */
export const newFile = () => join(tmpdir(), `imkeysim-${randomUUID()}.json`)

/** find waits for the file of a browser that starts, and returns its simulator. file is imkeysim.json in the profile, or the option file. */
export async function find(file, { timeout = 30_000 } = {}) {
  await until(
    () => existsSync(file),
    timeout,
    () => `No simulator has written ${file} within ${timeout} ms. Is the browser's path browserPath()?`,
  )
  const { url, devices } = JSON.parse(await readFile(file, 'utf8'))
  const imkey = new ImKey(url, devices.length)
  imkey.close = () =>
    until(
      () => !existsSync(file),
      timeout,
      () => `The simulator has not ended within ${timeout} ms. Is its browser closed?`,
    )
  return imkey
}

/** startSimulator starts a simulator without a browser. It ends with close, and with this process. */
export async function startSimulator(options = {}) {
  const args = given({ addr: '127.0.0.1:0', ...options, allow: undefined, file: undefined, temporary: undefined, chromium: undefined })
  const flags = args.map(([name, value]) => `-${names[name].toLowerCase().replaceAll('_', '-')}=${value}`)
  const child = spawn(program(), ['-until-stdin-ends', ...flags], { stdio: ['pipe', 'pipe', 'pipe'] })
  let said = ''
  child.stderr.on('data', (data) => (said = (said + data).slice(-4000)))
  const started = once(createInterface({ input: child.stdout }), 'line').then(([line]) => line)
  const ended = once(child, 'exit').then(() => {
    throw new Error(`imkeysim has ended: ${said.trim()}`)
  })
  ended.catch(() => {})
  const url = await Promise.race([started, ended])
  const imkey = new ImKey(url, options.devices ?? 1)
  imkey.close = async () => {
    child.stdin.end()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  }
  return imkey
}

/** extensionId returns the id that Chromium gives an unpacked extension: by the key of its manifest, else by the path of its folder. */
export function extensionId(folder) {
  const path = realpathSync(resolve(folder))
  const { key } = JSON.parse(readFileSync(join(path, 'manifest.json'), 'utf8'))
  const digest = createHash('sha256')
    .update(key ? Buffer.from(key, 'base64') : path)
    .digest('hex')
  return [...digest.slice(0, 32)].map((digit) => String.fromCharCode(97 + parseInt(digit, 16))).join('')
}

/** A simulated device, and its user. */
export class ImKey {
  #notes = []
  #played = null // the questions of a recording, if one is played
  /** The questions that were answered. */
  questions = []

  #browser // sends requests, if only the browser reaches the simulator

  /**
   * @param {string} url the origin of the control API
   * @param {(path: string, body?: string) => Promise<{ ok: boolean, status: number, text: string }>} [browser] sends requests from the browser
   */
  constructor(url, devices = 1, device = 1, browser = undefined) {
    this.url = url
    this.devices = devices
    this.number = device
    this.#browser = browser
  }

  /** device returns device n, from 1 on. */
  device(n) {
    return new ImKey(this.url, this.devices, n, this.#browser)
  }

  async #request(call, body) {
    const path = `/sim/v1/${call}${call.includes('?') ? '&' : '?'}device=${this.number}`
    const json = body === undefined ? undefined : JSON.stringify(body)
    if (this.#browser) return this.#browser(path, json)
    const request = json === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: json }
    const response = await fetch(`${this.url}${path}`, request)
    return { ok: response.ok, status: response.status, text: await response.text() }
  }

  /** call calls the control API. With a body it is a POST. */
  async call(call, body) {
    const { ok, status, text } = await this.#request(call, body)
    let answer
    try {
      answer = JSON.parse(text)
    } catch (cause) {
      throw new Error(`${call}: ${status} ${text}`, { cause })
    }
    if (!ok) throw new Error(`${call}: ${answer.error?.message ?? status}`)
    return answer
  }

  state() {
    return this.call('device')
  }

  async press(button, { hold = false } = {}) {
    return this.call('device/press', { button, hold })
  }

  /** until waits for a state. It listens to events and does not poll. */
  async until(ok, { timeout = 30_000 } = {}) {
    const stop = new AbortController()
    const timer = setTimeout(() => stop.abort(), timeout)
    let last
    try {
      for await (const state of this.#events(stop.signal)) {
        last = state
        if (ok(state)) return state
      }
    } catch (error) {
      if (stop.signal.aborted)
        throw new Error(`The device did not get there within ${timeout} ms. Its screen: ${JSON.stringify(last?.screen)}`, { cause: error })
      throw error
    } finally {
      clearTimeout(timer)
      stop.abort()
    }
    throw new Error('the simulator has ended')
  }

  async *#events(signal) {
    // A WebDriver session does one thing at a time, so that it cannot wait for events.
    while (this.#browser) {
      signal.throwIfAborted()
      yield await this.state()
      await new Promise((done) => setTimeout(done, 100))
    }
    const { body } = await fetch(`${this.url}/sim/v1/events?device=${this.number}`, { signal })
    let rest = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) yield JSON.parse(event.slice('data: '.length))
    }
  }

  /** code waits until the screen shows a binding code, and reads it. A recording takes any code. */
  async code(options) {
    if (this.#played) return '22222222'
    const line = (state) => state.screen.find((line) => /^[0-9A-Z]{8}$/.test(line))
    return line(await this.until((state) => state.binding === 'code-shown' && line(state) !== undefined, options))
  }

  /** approve waits until the screen asks a question, reads all of it, and presses OK. It returns the question. */
  approve(options) {
    return this.#answer('ok', options)
  }

  /** reject is approve with the button cancel. */
  reject(options) {
    return this.#answer('cancel', options)
  }

  async #answer(button, options) {
    if (this.#played) {
      if (this.#played.length === 0) throw new Error('The recording has no further question.')
      this.questions.push(this.#played[0])
      return this.#played.shift()
    }
    const pages = []
    for (let state = await this.until(({ asking }) => asking, options), before = ''; state.screen.at(-1) !== before;) {
      pages.push(state.screen.slice(0, -1).join('')) // the last line is the page's number
      before = state.screen.at(-1)
      state = await this.call('device/press', { button: 'down' })
    }
    const question = pages.join('\n')
    this.questions.push(question)
    await this.call('device/press', { button })
    return question
  }

  /** screen returns the lines of the screen. */
  async screen() {
    return (await this.state()).screen
  }

  async unplug() {
    await this.call('device/unplug', {})
  }

  async plug() {
    await this.call('device/plug', {})
  }

  /** fault arms faults, in place of earlier ones. */
  async fault(...faults) {
    await this.call('faults', faults)
  }

  /** restore restores a wallet at once. */
  async restore(mnemonic = testMnemonic) {
    await this.call('device/wallet', { mnemonic })
  }

  /** trace returns what was exchanged so far. */
  trace() {
    return this.#lines('trace')
  }

  /** history returns the screens so far, and what the user did. */
  history() {
    return this.#lines('history')
  }

  async #lines(call) {
    const { ok, status, text } = await this.#request(call)
    if (!ok) throw new Error(`${call}: ${status} ${text}`)
    return text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line))
  }

  /** note adds a line about the page to the report of the test, and perhaps a picture as a data URL. */
  note(what, picture) {
    this.#notes.push({ time: Date.now(), who: 'page', what, picture })
  }

  /**
   * seen returns what the report of a test is made of. The simulator is null if it has ended, as with a browser that has crashed: then it
   * refuses the connection. Another error is a note of the report.
   */
  async seen() {
    const simulator = await Promise.all([this.trace(), this.history()]).then(
      ([trace, history]) => ({ trace, history }),
      (error) => {
        if (error.cause?.code === 'ECONNREFUSED') return null
        this.note(`imkey-connect-testing: ${error.message}${error.cause ? `: ${error.cause.message}` : ''}`)
        return { trace: [], history: [] }
      },
    )
    return { notes: this.#notes, simulator }
  }

  /** plays makes this the user of a recording, which has answers to questions and no screen. */
  plays(questions) {
    this.#played = [...questions]
  }

  /** close ends a simulator that startSimulator started. That of a browser ends with the browser: close waits for it. */
  async close() {}
}

/**
 * simulatedUSB returns the script that gives a page the WebSocket device as navigator.usb, for browsers into which no device can be
 * plugged. It is the lesser way: the browser's own WebUSB, its chooser and its permissions are not tested.
 */
export function simulatedUSB(url) {
  return `(() => {
  const module = import(${JSON.stringify(`${url}/sim/webusb.js`)}).then(({ simulatedUSB }) => simulatedUSB())
  const target = new EventTarget()
  for (const type of ['connect', 'disconnect'])
    module.then((usb) => usb.addEventListener(type, (e) => target.dispatchEvent(Object.assign(new Event(type), { device: e.device }))), () => {})
  target.getDevices = async () => (await module).getDevices()
  target.requestDevice = async (options) => (await module).requestDevice(options)
  Object.defineProperty(navigator, 'usb', { value: target, configurable: true })
})()`
}

/** lesserWay says once why the WebSocket device is used. */
export function lesserWay() {
  if (said) return
  said = true
  console.warn(
    `imkey-connect-testing: on ${process.platform} the device is a WebSocket in place of navigator.usb. That is the lesser way: the browser's own WebUSB, its chooser and its permissions are not tested. On Linux they are.`,
  )
}
let said = false

/** removed removes a file, which may not be there. */
export const removed = (file) => rm(file, { force: true, recursive: true })
