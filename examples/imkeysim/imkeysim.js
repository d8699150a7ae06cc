// Starts a simulated imKey with a Chromium into which it is plugged, and does what the device's user does: presses buttons and
// reads the screen. It is for Playwright, Puppeteer and other drivers, and needs nothing but node 20 and the program imkeysim:
//
//   go build -C path/to/imkey-connect -o "$PWD/imkeysim" ./devicesim/cmd/imkeysim
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'

/**
 * The answer to GET device of the control API. These are some of its fields; devicesim/device/status.go documents all.
 * @typedef {object} State
 * @property {string} serial
 * @property {boolean} plugged
 * @property {boolean} locked
 * @property {boolean} asking whether the screen asks a question that a button answers
 * @property {string} binding 'none', 'code-drawn', 'code-shown', 'bound' …
 * @property {string[]} screen four lines of at most 16 characters, or none if the device has no power
 */

/**
 * Starts `imkeysim chromium -headless` with more arguments, and resolves when the browser can be driven. Call stop at the end of
 * the test.
 * @param {string} command the path of the program
 * @param {...string} args as `imkeysim chromium -h` lists them; last the URL of a site that may use the device
 * @returns {Promise<Imkeysim>}
 */
export async function startChromium(command, ...args) {
  const child = spawn(command, ['chromium', '-headless', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const failed = once(child, 'error').then(([error]) => {
    throw error.code === 'ENOENT' ? notBuilt(command, error) : error
  })
  failed.catch(() => {}) // the race below handles it
  const lines = []
  const read = async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      if (lines.push(line) && line.startsWith('devtools ')) return
    }
    throw new Error(`${command} has ended; its standard error gives the reason`)
  }
  await Promise.race([read(), failed])
  child.stdout.resume() // discards the rest
  return new Imkeysim(child, lines[0], lines.at(-1).slice('devtools '.length))
}

function notBuilt(command, cause) {
  const checkout = fileURLToPath(new URL('../..', import.meta.url))
  return new Error(
    `There is no program ${command}. Build it first, and name it by its path:
  go build -C ${JSON.stringify(checkout)} -o ${JSON.stringify(resolve(command))} ./devicesim/cmd/imkeysim`,
    { cause },
  )
}

/** A running simulator, and the user of its devices. */
export class Imkeysim {
  #child

  /** @private use startChromium */
  constructor(child, url, devtools) {
    this.#child = child
    /** @type {string} the origin of the simulator and of its pages: http://127.0.0.1:PORT */
    this.url = url
    /** @type {string} what connectOverCDP and puppeteer.connect take: ws://127.0.0.1:PORT/devtools/browser/ID */
    this.devtools = devtools
  }

  /** Ends the simulator and its browser, and resolves when both have ended. */
  async stop() {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
  }

  /**
   * Calls the control API (devicesim/control/control.go lists the calls). With a body it is a POST.
   * @param {string} call such as 'device/unplug', 'faults' or 'device?device=2'
   * @param {unknown} [body]
   * @returns {Promise<any>} the answer; that to a POST is the device's State
   */
  async call(call, body) {
    const request =
      body === undefined ? {} : { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) }
    const response = await fetch(`${this.url}/sim/v1/${call}`, request)
    const answer = await response.json()
    if (!response.ok) throw new Error(`${call}: ${answer.error?.message ?? response.status}`)
    return answer
  }

  /**
   * Presses a button.
   * @param {'ok' | 'cancel' | 'up' | 'down'} button
   * @param {number} [device] from 1 on
   * @returns {Promise<State>} the state after the press
   */
  press(button, device = 1) {
    return this.call(`device/press?device=${device}`, { button })
  }

  /**
   * Waits for a state of a device. It listens to events and does not poll.
   * @param {(state: State) => boolean} ok
   * @param {number} [device] from 1 on
   * @returns {Promise<State>} the first state for which ok returns true
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
   * Waits until the screen asks a question, reads all pages of it, and answers by a button.
   * @param {'ok' | 'cancel'} [button]
   * @param {number} [device] from 1 on
   * @returns {Promise<string>} the question, one page a line
   */
  async answer(button = 'ok', device = 1) {
    const pages = []
    for (let state = await this.until(({ asking }) => asking, device), before = ''; state.screen.at(-1) !== before;) {
      pages.push(state.screen.slice(0, -1).join('')) // the last line is the page's number
      before = state.screen.at(-1)
      state = await this.press('down', device)
    }
    await this.press(button, device)
    return pages.join('\n')
  }
}
