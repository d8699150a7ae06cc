// Tests of imkey.js with fakes of both modules: what an export or import loads, how it is called and how it ends.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeUSB } from '../testdata/fakeusb.js'

const { DIST, SITE } = process.env
const seid = '19060000000200860001010000000014'
const file = Uint8Array.of(1, 2, 3)

let pages = 0
async function page(options = {}) {
  const sdk = await import(`${DIST}/imkey.js?backup=${++pages}`)
  const key = await sdk.loadImKey({
    usb: new FakeUSB(),
    store: 'indexeddb',
    wasmURL: `${SITE}/imkey.wasm?backup=${pages}`,
    backupWasmURL: `${SITE}/imkey-backup.wasm?backup=${pages}`,
    ...options,
  })
  return { ...sdk, key }
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

/** argumentsIn reads the arguments that the fake of imkey-backup.wasm returns as its file. */
const argumentsIn = (bytes) => JSON.parse(new TextDecoder().decode(bytes))

test('the second module is loaded only when it is needed, and gets the arguments of the call', async (t) => {
  const urls = await downloads(t)
  const { key } = await page()
  assert.deepEqual(await key.knownDevices(), [])
  assert.deepEqual(
    urls.map((url) => new URL(url).pathname),
    ['/imkey.wasm'],
  )
  assert.deepEqual(argumentsIn(await key.exportBinding(seid, 'a passphrase')), [seid, 'a passphrase', { store: 'indexeddb' }])
  assert.deepEqual(
    urls.map((url) => new URL(url).pathname),
    ['/imkey.wasm', '/imkey-backup.wasm'],
  )
  const known = await key.importBinding(file, 'a passphrase', { seid, replace: true })
  assert.deepEqual(JSON.parse(known.name), [{ 0: 1, 1: 2, 2: 3 }, 'a passphrase', { store: 'indexeddb', replace: true, seid }])
  assert.equal(urls.length, 2, 'compiled once')
})

test('every call has its own instance, which ends with the call', async () => {
  const { key } = await page()
  const [a, b] = await Promise.all([key.importBinding(file, 'x'), key.importBinding(file, 'x')])
  assert.notEqual(a.serial, b.serial)
})

test('the second module gets the memory store of the first one', async () => {
  const { key } = await page({ store: 'memory' })
  assert.deepEqual(argumentsIn(await key.exportBinding(seid, 'a passphrase'))[2], { store: 'memory', memory: { of: 'the first module' } })
})

test('a store of the page is passed on unchanged', async () => {
  const store = { mine: true, get() {}, put() {}, delete() {}, list() {} }
  const { key } = await page({ store })
  assert.deepEqual(argumentsIn(await key.exportBinding(seid, 'a passphrase'))[2], { store: { mine: true } })
})

test('an import is reported to every ImKey of the page with this store, a failed import to none', async () => {
  const { key, loadImKey, ImKeyError } = await page()
  const memory = await loadImKey({ usb: new FakeUSB(), store: 'memory' })
  const heard = []
  key.addEventListener('knownchange', ({ detail }) => heard.push(detail.seid))
  memory.addEventListener('knownchange', () => heard.push('of another store'))
  await assert.rejects(
    key.importBinding(file, 'wrong'),
    (error) => error instanceof ImKeyError && error.code === 'wrong-passphrase' && error.retryable,
  )
  assert.deepEqual(heard, [])
  await key.importBinding(file, 'right')
  assert.deepEqual(heard, [seid])
  await key.rename(seid, 'x')
  await key.forget(seid)
  assert.deepEqual(heard, [seid, seid, seid])
})

test('invalid arguments are refused before anything is loaded', async (t) => {
  const urls = await downloads(t)
  const { key, loadImKey } = await page()
  for (const call of [
    () => key.exportBinding(),
    () => key.exportBinding(seid, 7),
    () => key.exportBinding(7, 'a passphrase'),
    () => key.exportBinding(seid, 'a passphrase', null),
    () => key.exportBinding(seid, 'a passphrase', { signal: {} }),
    () => key.importBinding([1], 'x'),
    () => key.importBinding(file),
    () => key.importBinding(file, 'x', { seid: 1 }),
    () => key.importBinding(file, 'x', { replace: 1 }),
    () => key.importBinding(file, 'x', { signal: 1 }),
    () => loadImKey({ usb: new FakeUSB(), backupWasmURL: 1 }),
  ]) {
    await assert.rejects(call(), { code: 'invalid-argument' }, String(call))
  }
  for (const raw of [new Blob([file]), file.buffer]) {
    await assert.rejects(key.importBinding(raw, 'a passphrase'), {
      code: 'invalid-argument',
      message: /pass new Uint8Array\(await file\.arrayBuffer\(\)\)/,
    })
  }
  assert.deepEqual(urls, [])
})

test('an aborted export rejects at once', async () => {
  const { key } = await page()
  const controller = new AbortController()
  const exported = key.exportBinding(seid, 'never', { signal: controller.signal })
  controller.abort()
  await assert.rejects(exported, { code: 'aborted' })
  await assert.rejects(key.exportBinding(seid, 'a passphrase', { signal: controller.signal }), { code: 'aborted' })
})

test('a module that is missing or stops is an error, and the next call starts a new instance', async () => {
  const { key } = await page({ backupWasmURL: `${SITE}/nothing.wasm` })
  await assert.rejects(
    key.exportBinding(seid, 'a passphrase'),
    (error) => error.code === 'internal' && error.retryable && error.data.reason === 'download' && /404.*backupWasmURL/.test(error.message),
  )
  const second = await page()
  await assert.rejects(second.key.exportBinding(seid, 'stop'), (error) => error.code === 'internal' && error.retryable)
  assert(await second.key.exportBinding(seid, 'a passphrase'))
})
