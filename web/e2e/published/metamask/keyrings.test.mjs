// Tests of the keyrings and the bridge with MetaMask's packages and @ethereumjs/tx. A fake core takes the place of imkey.wasm.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Common } from '@ethereumjs/common'
import { TransactionFactory } from '@ethereumjs/tx'
import { EthEoaAccountStruct, KeyringAccountStruct } from '@metamask/keyring-api'
import { CreateAccountOptionsStruct, KeyringCapabilitiesStruct } from '@metamask/keyring-api/v2'
import { assert as fits } from '@metamask/superstruct'
import { FakeUSB } from '../../../sdk/testdata/fakeusb.js'
import { A0, A1, SIGNATURE, TO, until, wallet } from '../../../sdk/testdata/fakewallet.js'

const { DIST, SITE } = process.env
const { connectBridge, ImKeyKeyring, ImKeyKeyringV2, localBridge, serveBridge } = await import(`${DIST}/keyring.js`)
const { ImKeyError } = await import(`${DIST}/imkey.js`)

const address = (n) => `0x${(n + 1).toString(16).padStart(40, '0')}`
const many = Array.from({ length: 200 }, (_, n) => address(n))

let pages = 0

function local({ accounts = many, ...more } = {}) {
  const usb = new FakeUSB()
  const device = wallet({ accounts, ...more })
  usb.devices = [device]
  const options = { usb, wasmURL: `${SITE}/imkey.wasm?keyring=${++pages}`, store: 'memory' }
  return { usb, device, options, bridge: localBridge(options) }
}

/** extension makes the parts of chrome.runtime that two documents of one extension have. */
function extension() {
  const listeners = new Set()
  const own = 'chrome-extension://abcdefghijklmnop'
  const ports = []
  const channel = (name, sender) => {
    const end = () => {
      const it = { name, heard: [], gone: [], open: true }
      it.onMessage = { addListener: (f) => it.heard.push(f) }
      it.onDisconnect = { addListener: (f) => it.gone.push(f) }
      return it
    }
    const [a, b] = [end(), end()]
    const link = (from, to) => {
      from.postMessage = (message) => {
        const copy = JSON.parse(JSON.stringify(message)) // as chrome.runtime does
        queueMicrotask(() => to.open && to.heard.forEach((f) => f(copy)))
      }
      from.disconnect = () => {
        if (!from.open) return
        from.open = to.open = false
        queueMicrotask(() => to.gone.forEach((f) => f()))
      }
    }
    link(a, b)
    link(b, a)
    b.sender = sender
    ports.push(a)
    return [a, b]
  }
  const runtime = (sender = { id: 'abcdefghijklmnop', url: `${own}/worker.js`, origin: own }) => ({
    id: 'abcdefghijklmnop',
    getURL: (path) => own + path,
    onConnect: { addListener: (f) => listeners.add(f), removeListener: (f) => listeners.delete(f) },
    connect: ({ name }) => {
      const [a, b] = channel(name, sender)
      if (listeners.size === 0) queueMicrotask(() => a.gone.forEach((f) => f()))
      else for (const f of listeners) f(b)
      return a
    },
  })
  return { runtime, ports }
}

function remote(options) {
  const it = local(options)
  const { runtime, ports } = extension()
  const serving = serveBridge({ ...it.options, runtime: runtime() })
  return { ...it, runtime, ports, serving, bridge: connectBridge({ runtime: runtime() }) }
}

const key = Uint8Array.from({ length: 32 }, () => 7)

/** signs makes a device sign with a key. */
function signs(device) {
  device.signTransaction = ({ gas, ...fields }) => {
    const common = Common.custom({ chainId: Number(fields.chainId) }, { hardfork: 'prague' })
    const signed = TransactionFactory.fromTxData({ ...fields, gasLimit: gas }, { common }).sign(key)
    const { r, s, v } = signed.toJSON()
    return { raw: `0x${Buffer.from(signed.serialize()).toString('hex')}`, hash: '0x00', r, s, yParity: 0, v, from: A0, warnings: [] }
  }
}

for (const [where, make] of Object.entries({ local, remote })) {
  test(`${where}: a keyring adds, pages, keeps and removes accounts`, async () => {
    const { bridge, device } = make()
    const keyring = new ImKeyKeyring({ bridge })
    assert.equal(keyring.type, ImKeyKeyring.type)
    assert.deepEqual(await keyring.getAccounts(), [])
    assert.deepEqual(await keyring.addAccounts(2), many.slice(0, 2))
    assert.deepEqual(await keyring.addAccounts(1), [many[2]])
    keyring.setAccountToUnlock('7')
    assert.deepEqual(await keyring.addAccounts(), [many[7]])
    const page = (first) => Array.from({ length: 5 }, (_, i) => ({ address: many[first + i], index: first + i, balance: null }))
    assert.deepEqual(await keyring.getFirstPage(), page(0))
    assert.deepEqual(await keyring.getNextPage(), page(5))
    assert.deepEqual(await keyring.getNextPage(), page(10))
    assert.deepEqual(await keyring.getPreviousPage(), page(5))
    keyring.removeAccount(many[1].toUpperCase().replace('0X', '0x'))
    assert.deepEqual(await keyring.getAccounts(), [many[0], many[2], many[7]])
    assert.deepEqual(await keyring.addAccounts(1), [many[1]], 'the first that is missing')

    const state = JSON.parse(JSON.stringify(await keyring.serialize()))
    const other = new ImKeyKeyring({ bridge })
    await other.deserialize(state)
    assert.deepEqual(await other.getAccounts(), await keyring.getAccounts())
    assert.equal(device.open, 0, 'the device is released')
  })

  test(`${where}: a keyring signs transactions of @ethereumjs/tx`, async () => {
    const { bridge, device } = make()
    signs(device)
    const keyring = new ImKeyKeyring({ bridge })
    await keyring.addAccounts(1)
    const common = Common.custom({ chainId: 10 }, { hardfork: 'prague' })
    const fields = { nonce: 3, gasLimit: 21_000, to: TO, value: 5n, data: '0x' }
    const cases = [
      { ...fields, type: 0, gasPrice: 9n },
      { ...fields, type: 1, gasPrice: 9n, chainId: 10, accessList: [{ address: TO, storageKeys: [`0x${'01'.repeat(32)}`] }] },
      { ...fields, type: 2, chainId: 10, maxFeePerGas: 9n, maxPriorityFeePerGas: 1n },
      { ...fields, type: 2, chainId: 10, maxFeePerGas: 9n, maxPriorityFeePerGas: 1n, to: undefined, data: '0x6001' },
    ]
    for (const each of cases) {
      const transaction = TransactionFactory.fromTxData(each, { common })
      const signed = await keyring.signTransaction(many[0], transaction)
      assert.equal(signed.constructor, transaction.constructor)
      assert.deepEqual(signed.serialize(), transaction.sign(key).serialize())
      assert.equal(signed.verifySignature(), true)
      const [, asked, options] = device.calls.at(-1)
      assert.equal(asked.chainId, '0xa')
      assert.deepEqual([options.path, options.from, options.allowUnbound], ["m/44'/60'/0'/0/0", many[0], false])
    }
  })

  test(`${where}: a keyring signs messages and typed data`, async () => {
    const { bridge, device } = make()
    const keyring = new ImKeyKeyring({ bridge })
    await keyring.addAccounts(1)
    assert.equal(await keyring.signPersonalMessage(many[0], '0x616263'), SIGNATURE)
    const [name, message] = device.calls.at(-1)
    assert.deepEqual([name, Buffer.from(message).toString()], ['signMessage', 'abc'])
    const document = { types: { A: [{ name: 'a', type: 'uint256' }] }, primaryType: 'A', domain: {}, message: { a: '1' } }
    assert.equal(await keyring.signTypedData(many[0], document, { version: 'V4' }), SIGNATURE)
    assert.equal(await keyring.signTypedData(many[0], document), SIGNATURE)
    const before = device.calls.length
    for (const [data, options] of [
      [[{ type: 'string', name: 'a', value: 'b' }], {}],
      [document, { version: 'V1' }],
    ]) {
      await assert.rejects(keyring.signTypedData(many[0], data, options), { code: 'unsupported-method' })
    }
    await assert.rejects(keyring.signPersonalMessage(many[0], 'abc'), { code: 'invalid-argument' })
    await assert.rejects(keyring.signPersonalMessage(many[9], '0x61'), { code: 'invalid-argument', data: { reason: 'unknown-account' } })
    assert.equal(device.calls.slice(before).filter(([name]) => name.startsWith('sign')).length, 0)
  })

  test(`${where}: each error has its code and its facts`, async () => {
    const { bridge, device, usb } = make()
    const keyring = new ImKeyKeyring({ bridge })
    await keyring.addAccounts(1)
    device.signMessage = () => {
      throw device.error('user-rejected', { statusWord: 0x6940, retryable: true })
    }
    const rejected = await keyring.signPersonalMessage(many[0], '0x61').catch((e) => e)
    assert(rejected instanceof ImKeyError)
    assert.deepEqual([rejected.code, rejected.statusWord, rejected.retryable], ['user-rejected', 0x6940, true])
    device.signMessage = () => {
      throw device.error('invalid-argument', { data: { reason: 'foreign-from' } })
    }
    await assert.rejects(keyring.signPersonalMessage(many[0], '0x61'), { code: 'invalid-argument', data: { reason: 'foreign-from' } })
    assert.equal(await keyring.isUnlocked(), true)
    device.refuses = (host) => host.makeError('locked', 'locked', 0xf081, true)
    assert.equal(await keyring.isUnlocked(), false)
    assert.deepEqual(await bridge.getState(), { state: 'locked' })
    await assert.rejects(keyring.unlock(), { code: 'locked' })
    device.refuses = undefined
    device.status = 'bound-elsewhere'
    assert.equal((await bridge.getState()).state, 'bound-elsewhere')
    await assert.rejects(keyring.addAccounts(1), { code: 'bound-elsewhere' })
    usb.devices = []
    assert.deepEqual(await bridge.getState(), { state: 'unplugged' })
    await assert.rejects(keyring.addAccounts(1), { code: 'no-device', retryable: true })
    usb.devices = [device, wallet({ serial: 'imKey01191200002' })]
    await assert.rejects(bridge.getAddresses({ paths: ["m/44'/60'/0'/0/0"] }), { code: 'device-mismatch', data: { reason: 'several' } })
  })

  test(`${where}: a call that is aborted cancels on the device`, async () => {
    const { bridge, device } = make()
    const keyring = new ImKeyKeyring({ bridge })
    await keyring.addAccounts(1)
    const controller = new AbortController()
    let seen
    device.signMessage = (message, { signal }) =>
      new Promise((_, reject) => {
        seen = signal
        signal.addEventListener('abort', () => reject(device.error('aborted')))
        setImmediate(() => controller.abort())
      })
    await assert.rejects(bridge.signMessage({ path: "m/44'/60'/0'/0/0", message: '0x61', signal: controller.signal }), { code: 'aborted' })
    await until(() => seen.aborted)
  })
}

test('a worker that is stopped cancels what the device asks', async () => {
  const { bridge, device, ports } = remote()
  let seen
  device.signMessage = (message, { signal }) =>
    new Promise((_, reject) => (seen = signal).addEventListener('abort', () => reject(device.error('aborted'))))
  const lost = bridge.signMessage({ path: "m/44'/60'/0'/0/0", message: '0x61' })
  lost.catch(() => {})
  await until(() => seen)
  ports.at(-1).disconnect()
  await until(() => seen.aborted)
  device.signMessage = undefined
  assert.equal(await bridge.signMessage({ path: "m/44'/60'/0'/0/0", message: '0x61' }), SIGNATURE, 'the next request works')
})

test('only this extension is served, and no content script', async () => {
  const { runtime, device, serving } = remote()
  const id = 'abcdefghijklmnop'
  for (const sender of [
    undefined,
    { id, url: 'https://site.example/', origin: 'https://site.example' },
    { id, url: 'https://site.example/' },
    { id, url: `chrome-extension://${id}.site.example/` },
    { id: 'another', url: `chrome-extension://${id}/worker.js` },
    { id, url: `chrome-extension://${id}/frame.html`, origin: 'null' },
  ]) {
    const stranger = connectBridge({ runtime: runtime(sender ?? {}) })
    await assert.rejects(stranger.getState(), { code: 'internal', data: { reason: 'bridge-gone' }, retryable: true })
  }
  assert.equal(device.opened, 0)
  serving.stop()
  await assert.rejects(connectBridge({ runtime: runtime() }).getState(), { code: 'internal', data: { reason: 'bridge-gone' } })
  let prepared = 0
  await assert.rejects(connectBridge({ runtime: runtime(), prepare: async () => void prepared++ }).getState(), { code: 'internal' })
  assert.equal(prepared, 1)
})

test('outside an extension there is no bridge to another document', () => {
  assert.throws(() => connectBridge(), { code: 'unsupported', data: { reason: 'no-extension' } })
  assert.throws(() => serveBridge(), { code: 'unsupported' })
})

test('a malformed state changes nothing', async () => {
  const { bridge } = local()
  for (const Class of [ImKeyKeyring, ImKeyKeyringV2]) {
    const keyring = new Class({ bridge })
    await keyring.deserialize({ scheme: 'bip44', accounts: [{ address: many[0], path: "m/44'/60'/0'/0/0" }] })
    for (const state of [
      { accounts: {} },
      { accounts: [{}] },
      { accounts: [{ address: 'me', path: 'm/0' }] },
      { accounts: [{ address: many[0], path: '../0' }] },
      { scheme: 'toString' },
      { serial: 7 },
    ]) {
      await assert.rejects(keyring.deserialize(state), { code: 'invalid-argument' }, JSON.stringify(state))
    }
    assert.equal((await keyring.getAccounts()).length, 1)
    await keyring.deserialize({})
    assert.equal((await keyring.getAccounts()).length, 0)
  }
  assert.throws(() => new ImKeyKeyring(), { code: 'invalid-argument' })
  assert.throws(() => new ImKeyKeyring({ bridge, pathScheme: 'other' }), { code: 'invalid-argument' })
})

const entropySource = 'the imKey'

test('a keyring of version 2 creates accounts by path, index, range and discovery', async () => {
  const used = new Set([many[4]])
  const { bridge, device } = local()
  const keyring = new ImKeyKeyringV2({ bridge, isUsed: async (address) => used.has(address) })
  fits(keyring.capabilities, KeyringCapabilitiesStruct)
  const create = async (options) => {
    fits(options, CreateAccountOptionsStruct)
    const accounts = await keyring.createAccounts(options)
    for (const account of accounts) {
      fits(account, KeyringAccountStruct)
      fits(account, EthEoaAccountStruct)
    }
    return accounts
  }
  const [byPath] = await create({ type: 'bip44:derive-path', entropySource, derivationPath: "m/44'/60'/0'/0/3" })
  assert.deepEqual(
    [byPath.address, byPath.options.entropy],
    [many[3], { type: 'mnemonic', id: entropySource, derivationPath: "m/44'/60'/0'/0/3", groupIndex: 3 }],
  )
  assert.deepEqual(await create({ type: 'bip44:derive-index', entropySource, groupIndex: 3 }), [byPath], 'the same account')
  const range = await create({ type: 'bip44:derive-index-range', entropySource, range: { from: 2, to: 5 } })
  assert.deepEqual(
    range.map(({ address }) => address),
    many.slice(2, 6),
  )
  assert.equal(range[1].id, byPath.id)
  assert.deepEqual(await create({ type: 'bip44:discover', entropySource, groupIndex: 7 }), [])
  assert.deepEqual(
    (await create({ type: 'bip44:discover', entropySource, groupIndex: 4 })).map(({ address }) => address),
    [many[4]],
  )
  assert.equal((await keyring.getAccounts()).length, 4)
  assert.equal(new Set((await keyring.getAccounts()).map(({ id }) => id)).size, 4)

  const again = new ImKeyKeyringV2({ bridge })
  await again.deserialize(JSON.parse(JSON.stringify(await keyring.serialize())))
  assert.deepEqual(await again.getAccounts(), await keyring.getAccounts())
  assert.equal(again.capabilities.bip44.discover, false)
  const before = device.calls.length
  for (const [options, code] of [
    [{ type: 'bip44:discover', entropySource, groupIndex: 0 }, 'unsupported-method'],
    [{ type: 'custom' }, 'unsupported-method'],
    [{ type: 'private-key:import', encoding: 'hexadecimal', privateKey: '0x01' }, 'unsupported-method'],
    [{ type: 'bip44:derive-path', entropySource, derivationPath: 'm/x' }, 'invalid-argument'],
    [{ type: 'bip44:derive-index', entropySource, groupIndex: -1 }, 'invalid-argument'],
    [{ type: 'bip44:derive-index', entropySource, groupIndex: 1.5 }, 'invalid-argument'],
    [{ type: 'bip44:derive-index', entropySource, groupIndex: 2 ** 31 }, 'invalid-argument'],
    [{ type: 'bip44:derive-index-range', entropySource, range: { from: 5, to: 4 } }, 'invalid-argument'],
    [{ type: 'bip44:derive-index-range', entropySource, range: { from: 0, to: 100 } }, 'invalid-argument'],
    [{ type: 'bip44:derive-index', entropySource: 'another', groupIndex: 0 }, 'invalid-argument'],
    [{ type: 'bip44:derive-index', groupIndex: 0 }, 'invalid-argument'],
    [undefined, 'unsupported-method'],
  ]) {
    await assert.rejects(again.createAccounts(options), { code }, JSON.stringify(options))
  }
  assert.equal(device.calls.length, before)

  await again.deleteAccount(byPath.id)
  await assert.rejects(again.getAccount(byPath.id), { code: 'invalid-argument' })
  await assert.rejects(again.deleteAccount(byPath.id), { code: 'invalid-argument' })
  assert.equal((await again.getAccounts()).length, 3)
  assert.deepEqual(
    (await again.getPage(1)).map(({ index, address }) => [index, address]),
    [5, 6, 7, 8, 9].map((n) => [n, many[n]]),
  )
})

test('a keyring of version 2 carries out requests', async () => {
  const { bridge, device } = local()
  signs(device)
  const keyring = new ImKeyKeyringV2({ bridge })
  const [{ id, methods }] = await keyring.createAccounts({ type: 'bip44:derive-index', entropySource, groupIndex: 0 })
  const submit = (method, params) =>
    keyring.submitRequest({
      id: 'b9beb861-9761-4b97-9c5a-5e6d2b7d1d0e',
      origin: 'metamask',
      scope: 'eip155:10',
      account: id,
      request: { method, params },
    })
  assert.deepEqual(methods, ['personal_sign', 'eth_signTransaction', 'eth_signTypedData_v3', 'eth_signTypedData_v4'])
  assert.equal(await submit('personal_sign', ['0x61', many[0]]), SIGNATURE)
  const document = { types: { A: [{ name: 'a', type: 'uint256' }] }, primaryType: 'A', domain: {}, message: { a: '1' } }
  assert.equal(await submit('eth_signTypedData_v4', [many[0], document]), SIGNATURE)
  assert.equal(device.calls.at(-1)[2].version, 'V4')
  assert.equal(await submit('eth_signTypedData_v3', [many[0], document]), SIGNATURE)
  assert.equal(device.calls.at(-1)[2].version, 'V3')
  const fields = {
    type: '0x2',
    chainId: '0xa',
    nonce: '0x3',
    gasLimit: '0x5208',
    maxFeePerGas: '0x9',
    maxPriorityFeePerGas: '0x1',
    to: TO,
    value: '0x5',
    data: '0x',
  }
  device.signTransaction = (
    (sign) =>
    ({ gasLimit, ...more }) =>
      sign({ ...more, gas: gasLimit })
  )(device.signTransaction)
  const signed = await submit('eth_signTransaction', [{ ...fields, from: many[0] }])
  const common = Common.custom({ chainId: 10 }, { hardfork: 'prague' })
  assert.deepEqual(
    TransactionFactory.fromTxData(signed, { common }).serialize(),
    TransactionFactory.fromTxData(fields, { common }).sign(key).serialize(),
  )
  for (const [method, params, code] of [
    ['eth_sign', [many[0], '0x61'], 'unsupported-method'],
    ['eth_signTypedData_v1', [[], many[0]], 'unsupported-method'],
    ['personal_sign', ['0x61', many[1]], 'invalid-argument'],
    ['eth_signTypedData_v4', [many[1], document], 'invalid-argument'],
    ['eth_signTransaction', [{ ...fields, from: many[1] }], 'invalid-argument'],
    ['toString', [], 'unsupported-method'],
  ]) {
    await assert.rejects(submit(method, params), { code }, method)
  }
  await assert.rejects(keyring.submitRequest({ account: 'x', request: { method: 'personal_sign', params: [] } }), {
    code: 'invalid-argument',
  })
})

test('forgetting drops the accounts and the binding', async () => {
  const { bridge } = local({ accounts: [A0, A1] })
  const keyring = new ImKeyKeyring({ bridge })
  await keyring.addAccounts(2)
  await keyring.forgetDevice()
  assert.deepEqual(await keyring.getAccounts(), [])
  assert.deepEqual(await keyring.serialize(), { scheme: 'bip44', accounts: [] })
})
