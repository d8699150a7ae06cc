// Tests of imkey.js when another tab wants the device, or the browser freezes the page. The test plays the devices of the core.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { device, FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env
const turn = () => new Promise((resolve) => setImmediate(resolve))

let pages = 0
/** page makes a page with one imKey. opens has the calls of the core's open, which the test settles. */
async function page() {
  const sdk = await import(`${DIST}/imkey.js?handover=${++pages}`)
  const usb = new FakeUSB()
  const opens = []
  const core = (options, { makeError }) =>
    new Promise((resolve, reject) => {
      const { takeOver, signal, onEvent } = options
      const calls = []
      signal.addEventListener('abort', () => reject(makeError('aborted', 'aborted', undefined, true, undefined)))
      opens.push({
        takeOver,
        signal,
        calls,
        well: () =>
          resolve({
            info: { n: opens.length },
            ethereum: {},
            bindingStatus: async () => (calls.push('bindingStatus'), 'bound'),
            close: async () => {
              calls.push('close')
            },
          }),
        held: () => reject(makeError('in-use-elsewhere', 'held', undefined, true, { holder: 'tab' })),
        ends: (detail) => onEvent('disconnect', detail),
      })
      waiting.shift()?.()
    })
  const waiting = []
  /** opening waits for the nth call of the core's open. */
  const opening = async (n) => {
    while (opens.length < n) await new Promise((resolve) => waiting.push(resolve))
    return opens[n - 1]
  }
  usb.devices = [{ ...device(), core }]
  const key = await sdk.loadImKey({ usb, wasmURL: `${SITE}/imkey.wasm?handover=${pages}`, store: 'memory' })
  const [imkey] = await key.getDevices()
  const disconnects = []
  imkey.addEventListener('disconnect', ({ detail }) => disconnects.push(detail))
  return { device: imkey, opens, opening, disconnects }
}

/** opened makes such a page with the device open. */
async function opened() {
  const it = await page()
  const open = it.device.open()
  const first = await it.opening(1)
  first.well()
  await open
  return { ...it, first }
}

test('a device is taken over only with takeOver', async () => {
  const { device, opens, opening } = await page()
  for (const takeOver of [1, 'yes', null, {}]) await assert.rejects(device.open({ takeOver }), { code: 'invalid-argument' })
  assert.equal(opens.length, 0)
  const polite = device.open()
  ;(await opening(1)).held()
  await assert.rejects(polite, { code: 'in-use-elsewhere', retryable: true, data: { holder: 'tab' } })
  assert.equal(opens[0].takeOver, false)
  const taking = device.open({ takeOver: true })
  const second = await opening(2)
  assert.equal(second.takeOver, true)
  second.well()
  await taking
  assert.equal(device.opened, true)
})

test('a take-over waits for an open without takeOver, and then takes over if that failed', async () => {
  for (const held of [true, false]) {
    const { device, opening, opens } = await page()
    const polite = device.open().catch((error) => error)
    const first = await opening(1)
    const taking = device.open({ takeOver: true })
    await turn()
    assert.equal(opens.length, 1, 'one at a time')
    if (held) {
      first.held()
      assert.equal((await polite).code, 'in-use-elsewhere')
      const second = await opening(2)
      assert.equal(second.takeOver, true)
      second.well()
    } else {
      first.well()
      await polite
    }
    await taking
    assert.equal(opens.length, held ? 2 : 1)
    assert.equal(device.opened, true)
  }
})

test('an open that is aborted is aborted in the core', async () => {
  for (const abort of [(device) => device.close(), (device, controller) => controller.abort()]) {
    const { device, opening } = await page()
    const controller = new AbortController()
    const taking = device.open({ takeOver: true, signal: controller.signal })
    const first = await opening(1)
    abort(device, controller)
    await assert.rejects(taking, { code: 'aborted' })
    assert.equal(first.signal.aborted, true)
    assert.equal(device.opened, false)
    const again = device.open()
    const second = await opening(2)
    assert.equal(second.signal.aborted, false)
    second.well()
    await again
  }
})

test('a device that was taken over reports it, and can be taken back', async () => {
  const { device, first, opening, disconnects } = await opened()
  first.ends({ code: 'in-use-elsewhere', reason: 'taken-over' })
  assert.deepEqual(disconnects, [{ code: 'in-use-elsewhere', reason: 'taken-over' }])
  assert.equal(device.opened, false)
  await assert.rejects(device.bindingStatus(), { code: 'in-use-elsewhere', retryable: true, data: { holder: 'tab', reason: 'taken-over' } })
  const back = device.open({ takeOver: true })
  const second = await opening(2)
  second.well()
  await back
  assert.equal(await device.bindingStatus(), 'bound')
  assert.deepEqual(second.calls, ['bindingStatus'])
  assert.deepEqual(first.calls, [])

  second.ends({ code: 'in-use-elsewhere', reason: 'taken-over' })
  await device.close()
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' }, 'after close the device is closed')
  assert.equal(disconnects.length, 2)
})

test('after the browser froze the page, the next call opens the device again', async () => {
  const { device, first, opening, disconnects, opens } = await opened()
  first.ends({ code: 'aborted', reason: 'page-hidden' })
  assert.deepEqual(disconnects, [], 'no event, since the device was not unplugged')
  assert.equal(device.opened, true)
  const call = device.bindingStatus()
  const second = await opening(2)
  assert.equal(second.takeOver, false)
  second.held()
  await assert.rejects(call, { code: 'in-use-elsewhere', data: { holder: 'tab' } })
  const again = device.bindingStatus()
  ;(await opening(3)).well()
  assert.equal(await again, 'bound')
  assert.equal(opens.length, 3)

  opens[2].ends({ code: 'aborted', reason: 'page-hidden' })
  await device.close()
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' })
})
