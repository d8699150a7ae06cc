// Starts a simulated imKey with a Chromium into which it is plugged, from any JavaScript, and is its person: for Playwright,
// Puppeteer or any other driver. Needs Node 20 and nothing else; the binary is built by
//
//   go build -C path/to/imkey-connect -o "$PWD/imkeysim" ./devicesim/cmd/imkeysim
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * What GET device of the control API answers, as devicesim/status.go documents it; these are some of its fields.
 * @typedef {object} State
 * @property {string} serial
 * @property {boolean} plugged
 * @property {boolean} locked
 * @property {boolean} asking whether the screen asks something that a button answers
 * @property {string} binding 'none', 'code-drawn', 'code-shown', 'bound' …
 * @property {string[]} screen four lines of at most 16 characters; none without power
 */

/**
 * Starts `imkeysim chromium -headless`, with these arguments after it (`imkeysim -h` lists them; a URL comes last), and
 * resolves when the browser can be driven. Stop it at the end of the test.
 * @param {string} command the binary
 * @param {...string} args
 * @returns {Promise<Imkeysim>}
 */
export async function startChromium(command, ...args) {
  const child = spawn(command, ['chromium', '-headless', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = once(child, 'error').then(([error]) => { throw error.code === 'ENOENT' ? notBuilt(command, error) : error })
  failed.catch(() => {}) // it is raced below
  const lines = []
  const read = async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (lines.push(line) && line.startsWith('devtools ')) return
    }
    throw new Error(`${command} has ended; it says why on its standard error`)
  }
  await Promise.race([read(), failed])
  child.stdout.resume() // nothing more is printed, and nothing waits for being read
  return new Imkeysim(child, lines[0], lines.at(-1).slice('devtools '.length))
}

function notBuilt(command, cause) {
  const checkout = fileURLToPath(new URL('../..', import.meta.url))
  return new Error(`There is no program ${command}. Build it first, and name it by its path:
  go build -C ${JSON.stringify(checkout)} -o ${JSON.stringify(resolve(command))} ./devicesim/cmd/imkeysim`, { cause })
}

/** A running simulator and the person in front of its devices. */
export class Imkeysim {
  #child

  /** @private by startChromium */
  constructor(child, url, devtools) {
    this.#child = child
    /** @type {string} the origin of the simulator and of its pages: http://127.0.0.1:PORT */
    this.url = url
    /** @type {string} what connectOverCDP and puppeteer.connect take: ws://127.0.0.1:PORT/devtools/browser/ID */
    this.devtools = devtools
  }

  /** Ends the simulator and its browser; resolves when nothing of them runs. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }

  /**
   * Makes one call of the control API (devicesim/control/control.go lists them); a body makes it a POST.
   * @param {string} call such as 'device/unplug', 'faults' or 'device?device=2'
   * @param {unknown} [body]
   * @returns {Promise<any>} the answer; after a POST it is the device's State
   */
  async call(call, body) {
    const request = body === undefined
      ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${this.url}/sim/v1/${call}`, request)
    const answer = await response.json()
    if (!response.ok) throw new Error(`${call}: ${answer.error?.message ?? response.status}`)
    return answer
  }

  /**
   * Presses a button.
   * @param {'ok' | 'cancel' | 'up' | 'down'} button
   * @param {number} [device] from 1 on
   * @returns {Promise<State>} the device's state after it
   */
  press(button, device = 1) {
    return this.call(`device/press?device=${device}`, { button })
  }

  /**
   * Waits for a state of a device, without asking again and again.
   * @param {(state: State) => boolean} ok
   * @param {number} [device] from 1 on
   * @returns {Promise<State>} the first state that is ok
   */
  async until(ok, device = 1) {
    const { body } = await fetch(`${this.url}/sim/v1/events?device=${device}`)
    let rest = ''
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const events = (rest + chunk).split('\n\n')
      rest = events.pop() ?? ''
      for (const event of events) {
        const state = JSON.parse(event.slice('data: '.length))
        if (ok(state)) return state
      }
    }
    throw new Error('the simulator has ended')
  }

  /**
   * Waits until the screen shows a binding code, and reads it.
   * @param {number} [device] from 1 on
   * @returns {Promise<string>} 8 characters
   */
  async code(device = 1) {
    const line = (state) => state.screen.find((line) => /^[0-9A-Z]{8}$/.test(line))
    return line(await this.until((state) => state.binding === 'code-shown' && line(state) !== undefined, device))
  }

  /**
   * Waits until the screen asks something, reads all its pages, and answers.
   * @param {'ok' | 'cancel'} [button]
   * @param {number} [device] from 1 on
   * @returns {Promise<string>} what it asked, one page a line
   */
  async answer(button = 'ok', device = 1) {
    const pages = []
    for (let state = await this.until(({ asking }) => asking, device), before = ''; state.screen.at(-1) !== before;) {
      pages.push(state.screen.slice(0, -1).join('')) // the last line says which page it is
      before = state.screen.at(-1)
      state = await this.press('down', device)
    }
    await this.press(button, device)
    return pages.join('\n')
  }
}
