// Tests of imkey.js with a fake core: the chooser, the shared instance, crashes, failed downloads.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { device, FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env
const globals = () => Reflect.ownKeys(globalThis).map(String).sort()

// Every test has its own page: node treats a module with another query as another module, and so does the loader's cache of the
// WASM.
let pages = 0
async function page(options = {}) {
  const sdk = await import(`${DIST}/imkey.js?page=${++pages}`)
  const wasmURL = `${SITE}/imkey.wasm?page=${pages}`
  const usb = new FakeUSB()
  const load = (more) => sdk.loadImKey({ usb, wasmURL, store: 'memory', ...options, ...more })
  return { ...sdk, usb, load, key: await load() }
}

async function downloads(t) {
  const urls = []
  const { fetch } = globalThis
  t.after(() => {
    globalThis.fetch = fetch
  })
  globalThis.fetch = (...args) => (urls.push(String(args[0])), fetch(...args))
  return urls
}

test('requestDevice opens the chooser at once and loads the WASM meanwhile', async (t) => {
  const urls = await downloads(t)
  const { key, usb, Device } = await page()
  assert.equal((await key.getDevices()).length, 1)
  assert.deepEqual(urls, [])
  const choice = key.requestDevice()
  assert.equal(usb.asked.length, 1, 'opened before anything was awaited')
  const [{ filters, ...rest }] = usb.asked
  assert.deepEqual([filters[0], rest], [{ vendorId: 0x096e }, {}])
  for (const filter of filters) assert.deepEqual(Object.keys(filter), ['vendorId'])
  const chosen = await choice
  assert(chosen instanceof Device)
  assert.equal(chosen.serialNumber, 'imKey01191200001')
  assert.equal(chosen, (await key.getDevices())[0])
  await chosen.open()
  assert.deepEqual(urls, [`${SITE}/imkey.wasm?page=${pages}`])
})

test('plugging in an imKey loads the WASM while the page is visible, and not in a worker', async (t) => {
  t.after(() => delete globalThis.document)
  const urls = await downloads(t)
  const { key, usb } = await page()
  const plug = (visibilityState, device) => {
    globalThis.document = Object.assign(new EventTarget(), { visibilityState })
    usb.plug('connect', usb.devices[device])
    return urls.length
  }
  usb.plug('connect', usb.devices[0])
  assert.equal(urls.length, 0, 'in a worker, which has no document')
  assert.equal(plug('hidden', 0), 0)
  assert.equal(plug('visible', 1), 0, "another vendor's device")
  assert.equal(plug('visible', 0), 1)
  assert.equal(plug('visible', 0), 1, 'once')
  await (await key.getDevices())[0].open()
  assert.equal(urls.length, 1)
})

test('nothing is left on globalThis', async () => {
  const before = globals()
  const { key } = await page()
  const device = await key.requestDevice()
  await device.open()
  assert.equal(await device.revealBindingCode(), true, 'Go has its own fs and bound functions')
  assert.deepEqual(globals(), before)
})

test('a page with its own fs and process does not disturb Go', async (t) => {
  const { process } = globalThis
  globalThis.fs = {}
  globalThis.process = {}
  t.after(() => {
    globalThis.process = process
    delete globalThis.fs
  })
  const { key } = await page()
  const device = await key.requestDevice()
  await device.open()
  assert.equal(await device.bindingStatus(), 'unbound')
})

test('chooser errors have codes', async () => {
  const { key, usb } = await page()
  for (const [name, code] of [
    ['NotFoundError', 'request-cancelled'],
    ['SecurityError', 'permission-denied'],
    ['NotAllowedError', 'permission-denied'],
    ['AbortError', 'aborted'],
    ['TypeError', 'internal'],
  ]) {
    usb.choice = () => Promise.reject(new DOMException('no', name))
    await assert.rejects(key.requestDevice(), { name: 'ImKeyError', code }, name)
    usb.choice = () => {
      throw new DOMException('no', name)
    }
    await assert.rejects(key.requestDevice(), { name: 'ImKeyError', code }, name)
  }
  usb.getDevices = () => Promise.reject(new DOMException('no', 'SecurityError'))
  await assert.rejects(key.getDevices(), { code: 'permission-denied' })
})

test('a signal ends requestDevice', async () => {
  const { key, usb } = await page()
  await assert.rejects(key.requestDevice({ signal: AbortSignal.abort() }), { code: 'aborted' })
  await assert.rejects(key.requestDevice({ signal: 'stop' }), { code: 'invalid-argument' })
  assert.deepEqual(usb.asked, [])
  const controller = new AbortController()
  usb.choice = () => new Promise(() => {})
  const choice = key.requestDevice({ signal: controller.signal })
  controller.abort()
  await assert.rejects(choice, { code: 'aborted', retryable: true })
})

test('calls need an open device', async () => {
  const { key } = await page()
  const [device] = await key.getDevices()
  assert.equal(device.opened, false)
  assert.throws(() => device.info, { code: 'invalid-argument' })
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' })
  const info = await device.open()
  assert.equal(info.serial, 'imKey01191200001')
  assert.equal(device.info, info)
  assert.equal(device.opened, true)
})

test('errors of the core are ImKeyErrors, and interactions are reported', async () => {
  const { key, ImKeyError, usb } = await page()
  const [device] = await key.getDevices()
  await device.open()
  const heard = []
  device.addEventListener('interaction', (event) => heard.push(event.detail))
  const error = await device.bind('ABCDEFGH', { acceptUnverified: true, onInteraction: (i) => heard.push(i) }).catch((e) => e)
  assert(error instanceof ImKeyError)
  assert.equal(error.code, 'wrong-code')
  assert.equal(error.statusWord, 0x9000)
  assert.equal(error.retryable, true)
  assert.deepEqual(JSON.parse(error.data.options), { acceptUnverified: true })
  assert.deepEqual(heard, Array(2).fill({ state: 'waiting', reason: 'confirm' }))
  await device.bind('ABCDEFGH').catch(() => {})
  assert.equal(heard.length, 3, 'onInteraction is called only for its own call')

  await assert.rejects(device.bind(12345678), { code: 'invalid-argument' })
  await assert.rejects(device.bind('ABCDEFGH', { signal: AbortSignal.abort() }), { code: 'aborted' })
  await assert.rejects(device.bind('ABCDEFGH', { acceptUnverified: 'yes' }), { code: 'invalid-argument' })
  await assert.rejects(device.revealBindingCode({ acceptUnverified: 'yes' }), { code: 'invalid-argument' })
  usb.devices[0] = { ...device, vendorId: 0x096e, productId: 1 }
  await assert.rejects((await key.getDevices())[0].open(), { code: 'not-imkey' })
})

test('calls of loadImKey share one instance and keep their own options', async (t) => {
  const urls = await downloads(t)
  const { load, usb } = await page()
  const [first, second] = await Promise.all([load({ allowUnverified: true, trustedCAs: [] }), load({ rememberCode: false })])
  usb.devices = [device(), device()]
  const [a, b] = [(await first.getDevices())[0], (await second.getDevices())[1]]
  await Promise.all([a.open(), b.open()])
  assert.equal(a.info.seid, b.info.seid)
  assert.equal(urls.length, 1)
  const told = (device) => {
    const { usb, signal, takeOver, resume, ...rest } = JSON.parse(device.info.lifeCycle)
    return rest
  }
  assert.deepEqual(told(a), { store: 'memory', allowUnverified: true, rememberCode: true, trustedCAs: [] })
  assert.deepEqual(told(b), { store: 'memory', allowUnverified: false, rememberCode: false })
})

test('when the instance stops, calls reject and the next call starts another instance', async (t) => {
  const urls = await downloads(t)
  const { key, usb } = await page()
  const [device] = await key.getDevices()
  await device.open()
  const { seid } = device.info
  let freed = 0
  usb.devices[0].close = async () => {
    freed++
  }
  const waiting = device.showBindingCode()
  const ending = device.forget()
  await assert.rejects(ending, { code: 'internal', retryable: true })
  await assert.rejects(waiting, { code: 'internal', retryable: true })
  assert.equal(await device.bindingStatus(), 'unbound')
  assert.notEqual(device.info.seid, seid)
  assert.equal(freed, 1, 'the USB device that the instance had open is closed')
  assert.equal(urls.length, 1, 'the compiled module is kept')
})

test('when the instance stops, its locks are released', async (t) => {
  const real = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  t.after(() => (real ? Object.defineProperty(globalThis, 'navigator', real) : delete globalThis.navigator))
  const locks = {
    request(name, options, granted) {
      return (this.held = { name, options, until: granted({ name }) })
    },
  }
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { locks } })
  const { key } = await page()
  const [device] = await key.getDevices()
  await device.open()
  const waiting = assert.rejects(device.showBindingCode(), { code: 'internal' })
  assert.equal(await device.bindingStatus(), 'unbound')
  assert.equal(locks.held.name, 'imkey')
  let free = false
  locks.held.until.then(() => {
    free = true
  })
  assert.equal(await device.bindingStatus(), 'unbound')
  assert.equal(free, false)
  await assert.rejects(device.forget(), { code: 'internal' })
  await Promise.all([waiting, locks.held.until])
})

test('a failed download is an error, and the next call tries again', async () => {
  const { key, load } = await page({ wasmURL: `${SITE}/flaky.wasm` })
  const [device] = await key.getDevices()
  const error = await device.open().catch((e) => e)
  assert.equal(error.code, 'internal')
  assert.equal(error.retryable, true)
  assert.deepEqual(error.data, { reason: 'download', url: `${SITE}/flaky.wasm`, status: 503 })
  assert.match(error.message, /503.*beside imkey\.js.*wasmURL/)
  await device.open()
  assert.equal(await device.bindingStatus(), 'unbound')
  await (await load()).getDevices()
})

test('the WASM may be served with any content type', async () => {
  const { key } = await page({ wasmURL: `${SITE}/untyped.wasm` })
  await (await key.getDevices())[0].open()
})

for (const [what, url] of [
  ['a page', `${SITE}/page.wasm`],
  ['a broken connection', `${SITE}/broken.wasm`],
  ['nothing', `${SITE}/none.wasm`],
  ['no server', 'http://127.0.0.1:1/imkey.wasm'],
]) {
  test(`${what} in place of the WASM is an error`, async () => {
    const { key } = await page({ wasmURL: url })
    const device = await key.requestDevice()
    for (let i = 0; i < 2; i++) {
      await assert.rejects(device.open(), (error) => {
        assert.equal(error.code, 'internal')
        assert.equal(error.data.reason, 'download')
        assert.match(error.message, /^[A-Z][^()]+\. \(/, 'a sentence before the details')
        assert(error.message.includes(`(${url} could not be loaded: `), error.message)
        return true
      })
    }
    assert.equal(device.opened, false)
    await device.close()
  })
}

test('plugging in and unplugging are reported, for imKeys only', async () => {
  const { key, usb } = await page()
  const [first] = await key.getDevices()
  await first.open()
  const gone = once(key, 'disconnect')
  let told = 0
  first.addEventListener('disconnect', () => told++)
  usb.plug('disconnect', usb.devices[1]) // another vendor's
  usb.plug('disconnect', usb.devices[0])
  const [event] = await gone
  assert.equal(event.detail.device, first)
  assert.equal(told, 1)
  assert.equal(first.opened, false)
  await assert.rejects(first.bindingStatus(), { code: 'device-disconnected' })
  await assert.rejects(first.open(), { code: 'device-disconnected', retryable: true })

  const back = once(key, 'connect')
  usb.plug('connect', usb.devices[0])
  const [{ detail }] = await back
  assert.notEqual(detail.device, first)
  await detail.device.open()
})

test('requests are described without a device', async () => {
  const { key, usb } = await page()
  const transaction = { chainId: 1 }
  const options = { nativeCurrency: { symbol: 'XYZ', decimals: 18 } }
  const document = { types: {}, primaryType: 'Mail' }
  const { ethereum } = key
  assert(Object.isFrozen(ethereum))
  assert.deepEqual(await ethereum.describeTransaction(transaction, options), {
    blind: false,
    digest: 'transaction',
    value: transaction,
    options,
  })
  assert.deepEqual(await ethereum.describeMessage('x'), { blind: false, digest: 'message', value: 'x', options: undefined })
  const version = { version: 'V3' }
  assert.deepEqual(await ethereum.describeTypedData(document, version), {
    blind: false,
    digest: 'typed-data',
    value: document,
    options: version,
  })
  assert.deepEqual(usb.asked, [])
})

test('close releases the device, which can be opened again', async () => {
  const { key } = await page()
  const [device] = await key.getDevices()
  await device.close()
  await device.open()
  await device.close()
  assert.equal(device.opened, false)
  await assert.rejects(device.bindingStatus(), { code: 'invalid-argument' })
  const opening = device.open()
  const refused = assert.rejects(opening, { code: 'aborted' })
  await device.close()
  await refused
  assert.equal(device.opened, false)
  await device.open()
  assert.equal(device.opened, true)

  await device.close()
  const controller = new AbortController()
  const given = device.open({ signal: controller.signal })
  controller.abort()
  await assert.rejects(given, { code: 'aborted' })
  assert.equal(device.opened, false)
  await device.open()
})

/** twoModules plays a device of both modules, of which only the second one has TRON. */
function twoModules(usb) {
  const opened = []
  usb.devices[0].core = async (options) => {
    const device = {
      options,
      closed: false,
      info: { serial: 'imKey01191200001', seid: '19060000000200860001010000000014' },
      wait: Promise.resolve(),
      ethereum: { getAccount: () => device.wait.then(() => ({ module: opened.indexOf(device) })) },
      bindingStatus: async () => 'bound',
      close: async () => {
        device.closed = true
        options.onEvent('disconnect', {})
      },
    }
    if (opened.length > 0) {
      device.tron = { getAccount: async (given) => ({ module: opened.indexOf(device), given }) }
      const echo = async (...args) => args
      device.bitcoin = { getAddress: echo, getExtendedPublicKey: echo, signPsbt: echo, signMessage: echo }
      device.cosmos = { getAccount: device.tron.getAccount, signAmino: async (...args) => args, signDirect: async (...args) => args }
    }
    assert(
      opened.every(({ closed }) => closed),
      'one module has the device at a time',
    )
    opened.push(device)
    return device
  }
  return opened
}

test('the first call for another coin moves the device to the module with all coins, once', async (t) => {
  const urls = await downloads(t)
  const coinsWasmURL = `${SITE}/imkey.wasm?coins=${pages + 1}`
  const { key, usb } = await page({ coinsWasmURL })
  const opened = twoModules(usb)
  const [device] = await key.getDevices()
  const heard = []
  device.addEventListener('disconnect', () => heard.push('disconnect'))
  await device.open()
  assert.deepEqual(await device.ethereum.getAccount(), { module: 0 })
  assert.equal(urls.length, 1, 'not before it is needed')

  // What is under way is finished first.
  let finish
  opened[0].wait = new Promise((resolve) => (finish = resolve))
  const before = device.ethereum.getAccount()
  const path = "m/44'/195'/0'/0/7"
  const calls = [device.tron.getAccount({ path }), device.tron.getAccount()]
  await new Promise((resolve) => setTimeout(resolve, 100))
  assert.equal(opened.length, 1)
  finish()
  assert.deepEqual(await before, { module: 0 })
  assert.deepEqual(await Promise.all(calls), [
    { module: 1, given: { path } },
    { module: 1, given: undefined },
  ])
  assert.deepEqual(await device.ethereum.getAccount(), { module: 1 }, 'it stays there')
  assert.deepEqual(await device.cosmos.getAccount({ prefix: 'osmo' }), { module: 1, given: { prefix: 'osmo' } })
  assert.deepEqual(await device.cosmos.signAmino({ memo: '' }, { path }), [{ memo: '' }, { path }])
  assert.deepEqual(await device.cosmos.signDirect(new Uint8Array(1)), [new Uint8Array(1), undefined])
  assert.deepEqual(await device.bitcoin.getAddress({ type: 'p2tr' }), [{ type: 'p2tr' }])
  assert.deepEqual(await device.bitcoin.getExtendedPublicKey(), [undefined])
  assert.deepEqual(await device.bitcoin.signPsbt('cHNidP8', { path }), ['cHNidP8', { path }])
  assert.deepEqual(await device.bitcoin.signMessage('a'), ['a', undefined])
  assert.equal(opened.length, 2)
  assert.deepEqual([device.opened, heard], [true, []])
  assert.deepEqual(urls, [`${SITE}/imkey.wasm?page=${pages}`, coinsWasmURL])

  // The second module has the records of the first one, and opens the same device only.
  assert.deepEqual(opened[1].options.store, { of: 'the first module' })
  assert.equal(opened[1].options.shown.seid, '19060000000200860001010000000014')
  await device.close()
  assert(opened[1].closed)
})

test('without the module with all coins, the device stays where it is', async () => {
  const { key, usb } = await page({ coinsWasmURL: `${SITE}/nothing.wasm` })
  const opened = twoModules(usb)
  const [device] = await key.getDevices()
  await device.open()
  await assert.rejects(device.tron.getAccount(), (error) => error.code === 'internal' && /404.*coinsWasmURL/.test(error.message))
  assert.deepEqual(await device.ethereum.getAccount(), { module: 0 })
  assert.deepEqual([opened.length, opened[0].closed, device.opened], [1, false, true])
  await assert.rejects(key.tron.describeMessage('x'), { code: 'internal' })
  const controller = new AbortController()
  controller.abort()
  await assert.rejects(device.tron.getAccount({ signal: controller.signal }), { code: 'aborted' })
})

test('requests for TRON are described by the module with all coins', async (t) => {
  const urls = await downloads(t)
  const coinsWasmURL = `${SITE}/imkey.wasm?coins=${pages + 1}`
  const { key } = await page({ coinsWasmURL })
  const { digest, value, options } = await key.tron.describeMessage('x', { version: 1 })
  assert.deepEqual([digest, value, options], ['tron-message', 'x', { version: 1 }])
  assert.equal((await key.tron.describeTransaction({ rawData: '0a' })).digest, 'tron-transaction')
  assert.equal((await key.tron.describeTypedData({})).digest, 'tron-typed-data')
  assert.equal((await key.cosmos.describeAmino({})).digest, 'cosmos-amino')
  assert.equal((await key.cosmos.describeDirect(new Uint8Array(1))).digest, 'cosmos-direct')
  assert.deepEqual(urls, [coinsWasmURL])
})
