// Tests of imkey.js when another device takes the place of the one that the user was shown. The test plays the devices of the core,
// which compares what it is given as the module does.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { device as usbDevice, FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env

const genuine = Object.freeze({
  seid: '19060000000200860001010000000014',
  serial: 'imKey01191200001',
  secureElementKey: '04' + 'aa'.repeat(64),
  certificate: 'verified',
  certificateKey: '04' + 'ca'.repeat(64),
})
const peers = {
  'another key, unverified': { secureElementKey: '04' + 'bb'.repeat(64), certificate: 'unverified', certificateKey: null },
  'another key, verified': { secureElementKey: '04' + 'bb'.repeat(64) },
  'the same key, unverified': { certificate: 'unverified', certificateKey: null },
  'another CA': { certificateKey: '04' + 'cb'.repeat(64) },
  'an invalid certificate': { secureElementKey: null, certificate: 'invalid', certificateKey: null },
  'another SEID': { seid: '19060000000200860001010000000015' },
  'another serial number': { serial: 'imKey01191200002' },
}
const unverified = { ...genuine, certificate: 'unverified', certificateKey: null }
const same = (a, b) => Object.keys(genuine).every((name) => a[name] === b[name])

let pages = 0
/** page makes a page with one imKey. `peer` is what answers at the plug; codes has the keys that a code was proved to. */
async function page() {
  const sdk = await import(`${DIST}/imkey.js?consent=${++pages}`)
  const usb = new FakeUSB()
  const plug = { peer: genuine, codes: [], calls: [], opens: [], ends: undefined }
  const core = async (options, { makeError }) => {
    const changed = () => makeError('device-changed', 'not the device that was shown', undefined, false, undefined)
    const info = { ...plug.peer, name: null }
    plug.opens.push(options.shown)
    if (options.shown && !same(options.shown, info)) throw changed()
    plug.ends = (detail) => options.onEvent('disconnect', detail)
    const call =
      (name, answer) =>
      async (...args) => {
        await plug.hold
        const given = args.at(-1)
        if (given?.shown && !same(given.shown, info)) throw changed()
        plug.calls.push([name, ...args])
        if (name === 'bind') plug.codes.push(info.secureElementKey)
        return answer
      }
    return {
      info,
      ethereum: { getAccount: call('getAccount', {}), signMessage: call('signMessage', {}) },
      bindingStatus: call('bindingStatus', 'unbound'),
      showBindingCode: call('showBindingCode'),
      bind: call('bind'),
      revealBindingCode: call('revealBindingCode', 'PVU3FY64'),
      forget: call('forget'),
      close: async () => {},
    }
  }
  usb.devices = [{ ...usbDevice(), core }]
  const key = await sdk.loadImKey({ usb, wasmURL: `${SITE}/imkey.wasm?consent=${pages}`, store: 'memory', allowUnverified: true })
  const [imkey] = await key.getDevices()
  const disconnects = []
  imkey.addEventListener('disconnect', ({ detail }) => disconnects.push(detail))
  const freeze = (peer) => {
    plug.ends({ code: 'aborted', reason: 'page-hidden' })
    plug.peer = peer
  }
  return { key, device: imkey, plug, freeze, disconnects }
}

const calls = {
  'bind': (device) => device.bind('PVU3FY64', { acceptUnverified: true }),
  'reveal': (device) => device.revealBindingCode({ acceptUnverified: true }),
  'forget': (device) => device.forget(),
  'status': (device) => device.bindingStatus(),
  'show the code': (device) => device.showBindingCode(),
  'account': (device) => device.ethereum.getAccount({ acceptUnverified: true }),
  'sign': (device) => device.ethereum.signMessage('x', { acceptUnverified: true, allowUnbound: true }),
}

test('a frozen page gets no other device in the place of the one that it showed', async () => {
  for (const [name, change] of Object.entries(peers)) {
    for (const [what, call] of Object.entries(calls)) {
      const { device, plug, freeze, disconnects } = await page()
      const shown = await device.open()
      freeze({ ...genuine, ...change })
      await assert.rejects(call(device), { name: 'ImKeyError', code: 'device-changed' }, `${name}: ${what}`)
      assert.deepEqual(plug.calls, [], 'the other device gets no call')
      assert.equal(device.info, shown, 'info is still what was shown')
      assert.equal(device.opened, false)
      assert.deepEqual(disconnects, [{ code: 'device-changed' }])
      // A dApp that goes on all the same does not reach the other device, either.
      for (const next of Object.values(calls)) await assert.rejects(next(device), { code: 'device-changed' })
      assert.equal(plug.opens.length, 2)
      // Only open() takes it, and says what it is.
      assert.ok(same(await device.open(), plug.peer))
      assert.equal(device.info.secureElementKey, plug.peer.secureElementKey)
      await call(device)
    }
  }
})

test('the same device is opened again without a word', async () => {
  const { device, plug, freeze, disconnects } = await page()
  await device.open()
  freeze(genuine)
  await device.bind('PVU3FY64')
  await device.close()
  await device.open()
  assert.deepEqual(disconnects, [])
  assert.deepEqual(plug.codes, [genuine.secureElementKey])
  assert.deepEqual(plug.opens, [undefined, genuine, genuine], 'each reopening is for the device that was shown')
})

test('a device that was closed or taken over is opened as another one only after an error', async () => {
  for (const leave of [
    (device) => device.close(),
    (_, plug) => plug.ends({ code: 'in-use-elsewhere', reason: 'taken-over' }),
    async () => {}, // open() of an open device that was suspended
  ]) {
    for (const takeOver of [false, true]) {
      const { device, plug, freeze } = await page()
      await device.open()
      if (leave.length === 0) freeze({ ...genuine, ...peers['another key, verified'] })
      else await leave(device, plug)
      plug.peer = { ...genuine, ...peers['another key, verified'] }
      await assert.rejects(device.open({ takeOver }), { code: 'device-changed' })
      assert.equal(device.opened, false)
      assert.equal(device.info.secureElementKey, genuine.secureElementKey)
      await assert.rejects(calls.bind(device))
      assert.deepEqual(plug.codes, [])
      assert.equal((await device.open()).secureElementKey, plug.peer.secureElementKey)
    }
  }
})

test('an accepted device is not replaced by another one that would be accepted', async () => {
  const { device, plug, freeze } = await page()
  plug.peer = unverified
  await device.open()
  for (const peer of [{ ...unverified, secureElementKey: '04' + 'bb'.repeat(64) }, genuine]) {
    freeze(peer)
    await assert.rejects(calls.bind(device), { code: 'device-changed' })
    plug.peer = unverified
    await device.open()
  }
  assert.deepEqual(plug.codes, [])
})

test('a call is for the device that info described when it was made', async () => {
  const { device, plug, freeze } = await page()
  await device.open()
  let release
  plug.hold = new Promise((resolve) => (release = resolve))
  freeze({ ...genuine, ...peers['another key, verified'] })
  const bindings = [calls.bind(device), calls.bind(device)]
  const ended = Promise.all(bindings.map((binding) => assert.rejects(binding, { code: 'device-changed' })))
  const again = (async () => {
    await device.open().catch(() => {})
    await device.open() // by another part of the site
  })()
  release()
  await Promise.all([ended, again])
  assert.deepEqual(plug.codes, [])
})

test('the options of a signature are those of the time of the call', async () => {
  for (const method of ['getAccount', 'signMessage']) {
    const { device, plug, freeze } = await page()
    const shown = { ...(await device.open()) }
    freeze(genuine)
    const options = { shown, path: "m/44'/60'/0'/0/0", acceptUnverified: false, allowUnbound: false }
    const signing = device.ethereum[method](...(method === 'getAccount' ? [] : ['x']), options)
    // The device is opened again meanwhile, and the page changes its objects.
    shown.secureElementKey = '04' + 'bb'.repeat(64)
    Object.assign(options, { path: "m/44'/60'/0'/0/1", acceptUnverified: true, allowUnbound: true })
    await signing
    const [[, ...args]] = plug.calls
    assert.deepEqual(args.at(-1), { shown: genuine, path: "m/44'/60'/0'/0/0", acceptUnverified: false, allowUnbound: false })
  }
})

test('the option shown is passed on as it was when the call was made', async () => {
  const { device, key, plug } = await page()
  const shown = { ...(await device.open()) }
  const binding = device.bind('PVU3FY64', { shown })
  shown.secureElementKey = '04' + 'bb'.repeat(64)
  await binding
  assert.deepEqual(plug.calls, [['bind', 'PVU3FY64', { shown: genuine }]])
  for (const call of [
    () => device.bind('PVU3FY64', { shown }),
    () => device.revealBindingCode({ shown }),
    () => device.forget({ shown }),
    () => device.ethereum.signMessage('x', { shown }),
  ]) {
    await assert.rejects(call(), { code: 'device-changed' })
  }
  for (const wrong of [{ seid: 7 }, { serial: Symbol() }, { certificate: {} }, { secureElementKey: [] }, { certificateKey: 7n }]) {
    for (const call of [
      (shown) => device.bind('PVU3FY64', { shown }),
      (shown) => device.revealBindingCode({ shown }),
      (shown) => device.forget({ shown }),
      (shown) => key.rename(genuine.seid, 'x', { shown }),
      (shown) => key.forget(genuine.seid, { shown }),
      (shown) => key.exportBinding(genuine.seid, 'a passphrase', { shown }),
    ]) {
      await assert.rejects(call({ ...genuine, ...wrong }), { code: 'invalid-argument' })
    }
  }
  await assert.rejects(device.forget(null), { code: 'invalid-argument' })
  assert.equal(plug.codes.length, 1)
})
