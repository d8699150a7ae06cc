import assert from 'node:assert/strict'
import type { Environment } from './environment'
import { Pairing } from './pairing'
import { Report } from '../model/report'
import type { State } from './state'
import { FakeDevice, FakeImKey } from '../model/sdk.fake'

/** A binding code. */
export const secret = 'ABCDEFGH'

/** setUp makes a pairing with one device, which the chooser returns. It records the states that are shown. */
export function setUp(environment: Partial<Environment> = {}) {
  const device = new FakeDevice()
  const imkey = new FakeImKey(device)
  const states: State[] = []
  const report = new Report(
    { version: '0', script: 'test.js', userAgent: 'test', languages: ['en'], webusb: true, secure: true, framed: false },
    () => new Date('2026-01-02T03:04:05.678Z'),
  )
  const loads: unknown[] = []
  const revealed: string[] = []
  const pairing = new Pairing(
    {
      load: async (usb) => {
        loads.push(usb)
        return imkey
      },
      support: { supported: true },
      simulator: null,
      wait: passing,
      reveal: (code) => revealed.push(code),
      report,
      ...environment,
    },
    (state) => states.push(state),
  )
  return { device, imkey, pairing, report, states, loads, revealed, names: () => states.map((state) => state.name) }
}

/** toBound makes a pairing with a device that is bound to this browser. */
export async function toBound(environment: Partial<Environment> = {}, prepare: (device: FakeDevice) => void = () => undefined) {
  const all = setUp(environment)
  prepare(all.device)
  all.device.statuses = ['bound']
  await all.pairing.connect()
  assert.equal(all.pairing.state.name, 'bound')
  return all
}

/** toCode makes a pairing that asks for the binding code. */
export async function toCode(environment: Partial<Environment> = {}, prepare: (device: FakeDevice) => void = () => undefined) {
  const all = setUp(environment)
  prepare(all.device)
  await all.pairing.connect()
  while (all.pairing.state.name !== 'code') {
    const before = all.pairing.state
    await all.pairing.goOn()
    assert.notEqual(all.pairing.state, before)
  }
  return all
}

/** passing makes short waits end at once. Long waits, for a device or the user, last until they are aborted. */
export async function passing(ms: number, signal: AbortSignal): Promise<void> {
  if (ms > 1000) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  signal.throwIfAborted()
}

/** settled resolves when everything that can run has run. */
export const settled = () => new Promise((resolve) => setTimeout(resolve))

/** reaches waits for a state that comes without a call, after some promises. */
export async function reaches(pairing: Pairing, there: (state: State) => boolean): Promise<void> {
  for (let turn = 0; !there(pairing.state); turn++) {
    if (turn === 1000) throw new Error(`shows ${JSON.stringify(pairing.state)}`)
    await settled()
  }
}
