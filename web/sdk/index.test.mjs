// Tests of imkey.js outside a browser.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'

const globals = () => Reflect.ownKeys(globalThis).map(String).sort()
const before = globals()
const sdk = await import(`${process.env.DIST}/imkey.js`)

test('the import sets no global and exports the documented names', () => {
  assert.deepEqual(globals(), before)
  assert.deepEqual(Object.keys(sdk).sort(), [
    'Device',
    'ImKey',
    'ImKeyError',
    'ProviderRpcError',
    'announceProvider',
    'bindInDialog',
    'createProvider',
    'isSupported',
    'loadImKey',
    'version',
  ])
})

test('the version is that of the package', () => {
  assert.equal(sdk.version, JSON.parse(readFileSync('../apps/package/package.json', 'utf8')).version)
})

test('isSupported gives the reason outside a browser', () => {
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'not-a-browser' })
})

test('isSupported never throws', (t) => {
  const navigator = Object.getOwnPropertyDescriptor(globalThis, 'navigator')
  t.after(() => {
    delete globalThis.document
    delete globalThis.isSecureContext
    delete globalThis.navigator
    if (navigator) Object.defineProperty(globalThis, 'navigator', navigator)
  })
  const set = (name, get) => Object.defineProperty(globalThis, name, { configurable: true, get })

  set('isSecureContext', () => false)
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'insecure-context' })
  set('isSecureContext', () => true)
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'no-webusb' })
  set('navigator', () => {
    throw new Error('no')
  })
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'no-webusb' })
  set('navigator', () => ({ usb: {} }))
  assert.deepEqual(sdk.isSupported(), { supported: true })
  set('document', () => ({ featurePolicy: { allowsFeature: (name) => name !== 'usb' } }))
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'permissions-policy' })
})

test('isSupported and loadImKey tell the truth in a service worker', async (t) => {
  t.after(() => {
    delete globalThis.navigator
    delete globalThis.ServiceWorkerGlobalScope
  })
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { usb: {} } })
  assert.deepEqual(sdk.isSupported(), { supported: true })
  globalThis.ServiceWorkerGlobalScope = function () {}
  assert.deepEqual(sdk.isSupported(), { supported: false, reason: 'service-worker' })
  await assert.rejects(sdk.loadImKey(), {
    code: 'unsupported',
    retryable: false,
    data: { reason: 'service-worker' },
    message: /background/,
  })
})

test('requestDevice is unsupported without a page, as in a worker', async (t) => {
  t.after(() => {
    delete globalThis.navigator
  })
  const usb = { getDevices: async () => [], addEventListener() {}, removeEventListener() {} }
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { usb } })
  for (const options of [{}, { usb }]) {
    const imkey = await sdk.loadImKey(options)
    assert.deepEqual(await imkey.getDevices(), [])
    await assert.rejects(imkey.requestDevice(), { code: 'unsupported', retryable: false, data: { reason: 'no-page' }, message: /in a tab/ })
  }
  const provider = sdk.createProvider({ chains: [{ chainId: 1, rpcUrls: ['https://node.example'] }] })
  const request = provider.request({ method: 'eth_requestAccounts' })
  await assert.rejects(request, { code: -32603, data: { code: 'unsupported', reason: 'no-page', retryable: false } })
})

test('loadImKey rejects with the reason', async (t) => {
  const error = await sdk.loadImKey().catch((e) => e)
  assert(error instanceof sdk.ImKeyError && error instanceof Error)
  assert.equal(error.name, 'ImKeyError')
  assert.equal(error.code, 'unsupported')
  assert.equal(error.retryable, false)
  assert.deepEqual(error.data, { reason: 'not-a-browser' })
  assert.match(error.message, /usb option/)

  t.after(() => {
    delete globalThis.navigator
    delete globalThis.document
  })
  Object.defineProperty(globalThis, 'navigator', { configurable: true, value: { usb: {} } })
  globalThis.document = { permissionsPolicy: { allowsFeature: () => false } }
  await assert.rejects(sdk.loadImKey(), { code: 'permission-denied', data: { reason: 'permissions-policy' } })
})

test('an option of a wrong type is refused', async () => {
  const usb = { getDevices() {}, requestDevice() {}, addEventListener() {}, removeEventListener() {} }
  for (const options of [
    null,
    5,
    { usb: {} },
    { usb: null },
    { usb, wasmURL: 1 },
    { usb, store: 'cookies' },
    { usb, store: { get() {} } },
    { usb, trustedCAs: 'all' },
    { usb, trustedCAs: ['04ab'] },
    { usb, trustedCAs: [`02${'0'.repeat(128)}`] },
    { usb, allowUnverified: 'yes' },
    { usb, rememberCode: 1 },
  ]) {
    await assert.rejects(sdk.loadImKey(options), { name: 'ImKeyError', code: 'invalid-argument' }, JSON.stringify(options))
  }
  await sdk.loadImKey({ usb, trustedCAs: [] })
  await sdk.loadImKey({ usb, trustedCAs: [`04${'aB'.repeat(64)}`], store: 'memory', wasmURL: new URL('https://example.org/') })
})
