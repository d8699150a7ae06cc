// Tests of imkey.js when another tab wants the device, or the browser freezes the page. The test plays the devices of the core.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { device, FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env
const turn = () => new Promise((resolve) => setImmediate(resolve))

let pages = 0
/**
 * page makes a page with one imKey. opens has the calls of the core's open, which the test settles. The core of a deaf page does not
 * hear that an open is aborted.
 */
async function page({ deaf = false } = {}) {
  const sdk = await import(`${DIST}/imkey.js?handover=${++pages}`)
  const usb = new FakeUSB()
  const opens = []
  const core = (options, { makeError }) =>
    new Promise((resolve, reject) => {
      const { takeOver, signal, onEvent } = options
      const calls = []
      if (!deaf) signal.addEventListener('abort', () => reject(makeError('aborted', 'aborted', undefined, true, undefined)))
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

test('an open that does not end is a timeout, and what it gets later is released', async (t) => {
  const { device, opening, opens } = await page()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const first = device.open()
  const { signal, well, calls } = await opening(1)
  t.mock.timers.tick(59_999)
  await turn()
  assert.equal(signal.aborted, false)
  t.mock.timers.tick(1)
  await assert.rejects(first, { code: 'timeout', retryable: true, message: /did not open within 60 s/ })
  assert.equal(signal.aborted, true, 'the core gives up')
  assert.equal(device.opened, false)
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' }, 'nothing opens it behind the back of the caller')

  // The next open waits until the core has given up, and then has 60 s of its own.
  const second = device.open()
  ;(await opening(2)).well()
  await second
  assert.equal(opens.length, 2)
  assert.deepEqual(calls, [])
  well() // the core rejected before: no effect
  assert.equal(await device.bindingStatus(), 'bound')
  t.mock.timers.tick(120_000)
  assert.equal(await device.bindingStatus(), 'bound', 'no timer is left')
})

test('a session that opens after the timeout is closed', async (t) => {
  const { device, opening, disconnects } = await page({ deaf: true })
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const late = device.open()
  const { well, calls } = await opening(1)
  t.mock.timers.tick(60_000)
  await assert.rejects(late, { code: 'timeout' })
  const next = device.open()
  await turn()
  well()
  const { well: wellAgain } = await opening(2)
  assert.deepEqual(calls, ['close'], 'before the next one opens')
  wellAgain()
  await next
  assert.equal(await device.bindingStatus(), 'bound')
  assert.deepEqual(disconnects, [])
})

test('all callers of an open that hangs get the timeout, and so does a call that opens the device again', async (t) => {
  const { device, opening } = await page()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const all = [device.open(), device.open(), device.open({ takeOver: false })]
  await opening(1)
  t.mock.timers.tick(60_000)
  for (const open of all) await assert.rejects(open, { code: 'timeout' })
  const again = device.open()
  const { well, ends } = await opening(2)
  well()
  await again
  ends({ reason: 'page-hidden' })
  const status = device.bindingStatus() // opens the device again, silently
  await opening(3)
  t.mock.timers.tick(60_000)
  await assert.rejects(status, { code: 'timeout' })
})

test('a download that never ends is a timeout for open, and is given up later', async (t) => {
  const sdk = await import(`${DIST}/imkey.js?handover=${++pages}`)
  const { fetch } = globalThis
  t.after(() => {
    globalThis.fetch = fetch
  })
  const given = new AbortController()
  const { timeout } = AbortSignal
  t.after(() => {
    AbortSignal.timeout = timeout
  })
  AbortSignal.timeout = (within) => (assert.equal(within, 90_000), given.signal)
  const asked = []
  globalThis.fetch = (url, { signal }) =>
    new Promise((_, reject) => {
      asked.push(url)
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  const key = await sdk.loadImKey({ usb: new FakeUSB(), wasmURL: `${SITE}/imkey.wasm?handover=${pages}`, store: 'memory' })
  const [imkey] = await key.getDevices()
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const open = imkey.open()
  while (asked.length === 0) await turn()
  t.mock.timers.tick(60_000)
  await assert.rejects(open, { code: 'timeout' })
  const known = key.knownDevices() // waits for the same download
  await turn()
  assert.equal(asked.length, 1)
  given.abort(new DOMException('The operation timed out.', 'TimeoutError'))
  await assert.rejects(known, { code: 'internal', retryable: true, message: /could not be loaded: it did not arrive within 90 s/ })
  t.mock.timers.reset()
  AbortSignal.timeout = timeout
  globalThis.fetch = fetch
  await imkey.open()
  assert.equal(await imkey.bindingStatus(), 'unbound')
})
