// imkey.js where another tab wants the device, or the page is put away; the test plays the core's devices.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { device, FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env
const turn = () => new Promise((resolve) => setImmediate(resolve))

let pages = 0
/** page is a page with one imKey; opens are the openings that the core was asked for, to be settled by the test. */
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
  const opening = async (n) => {
    // waits for the nth opening
    while (opens.length < n) await new Promise((resolve) => waiting.push(resolve))
    return opens[n - 1]
  }
  usb.devices = [{ ...device(), core }]
  const key = await sdk.loadImKey({ usb, wasmURL: `${SITE}/imkey.wasm?handover=${pages}`, store: 'memory' })
  const [imkey] = await key.getDevices()
  const told = []
  imkey.addEventListener('disconnect', ({ detail }) => told.push(detail))
  return { device: imkey, opens, opening, told }
}

/** opened is such a page with the device open. */
async function opened() {
  const it = await page()
  const open = it.device.open()
  const first = await it.opening(1)
  first.well()
  await open
  return { ...it, first }
}

test('only who says so takes over', async () => {
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

test('taking over waits for an opening without it, and does not rely on it', async () => {
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
  for (const giveUp of [(device) => device.close(), (device, controller) => controller.abort()]) {
    const { device, opening } = await page()
    const controller = new AbortController()
    const taking = device.open({ takeOver: true, signal: controller.signal })
    const first = await opening(1)
    giveUp(device, controller)
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

test('a device that was taken over says so, and can be taken back', async () => {
  const { device, first, opening, told } = await opened()
  first.ends({ code: 'in-use-elsewhere', reason: 'taken-over' })
  assert.deepEqual(told, [{ code: 'in-use-elsewhere', reason: 'taken-over' }])
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
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' }, 'who closes it, has closed it')
  assert.equal(told.length, 2)
})

test('a page that was put away goes on by itself', async () => {
  const { device, first, opening, told, opens } = await opened()
  first.ends({ code: 'aborted', reason: 'page-hidden' })
  assert.deepEqual(told, [], 'it is not the device that is gone')
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
