// Tests of the forms in which a dApp may write a transaction. MetaMask's extension takes them, too, except where a test says otherwise.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A0, connected, TO } from '../testdata/fakewallet.js'

const fees = { gas: '0x5208', nonce: '0x0', maxFeePerGas: '0x2', maxPriorityFeePerGas: '0x1' }
const legacy = { gas: '0x5208', nonce: '0x0', gasPrice: '0x2' }
const creation = { ...fees, data: '0x6000' }

/** signer connects a dApp. It returns a function that resolves to what the device is asked to sign. */
async function signer(t) {
  const { ask, device } = await connected(t)
  const signed = async (tx) => {
    await ask('eth_signTransaction', [tx])
    const { from, chainId, ...rest } = device.calls.at(-1)[1]
    assert.deepEqual([from, chainId], [A0, '0x1'])
    return rest
  }
  return { ask, device, signed }
}

test('a transaction without a recipient creates a contract', async (t) => {
  const { signed } = await signer(t)
  for (const to of [undefined, null, '', '0x', '0X']) {
    assert.deepEqual(await signed({ ...creation, to }), { ...creation, value: '0x0', type: '0x2' }, String(to))
  }
})

test('data that is empty or has no 0x is taken', async (t) => {
  const { signed } = await signer(t)
  const data = async (tx) => (await signed({ ...fees, to: TO, ...tx })).data
  for (const none of [undefined, null, '', '0x']) {
    assert.equal(await data({ data: none }), '0x')
    assert.equal(await data({ input: none }), '0x')
  }
  assert.equal(await data({ data: 'A9059CBB' }), '0xa9059cbb')
  assert.equal(await data({ data: '0XA9059CBB' }), '0xa9059cbb')
  assert.equal(await data({ input: 'a9059cbb' }), '0xa9059cbb')
  assert.equal(await data({ input: '0xa9059cbb', data: '' }), '0xa9059cbb')
  assert.equal(await data({ input: '0xa9059cbb', data: 'A9059CBB' }), '0xa9059cbb')
})

test('addresses may lack 0x', async (t) => {
  const { signed } = await signer(t)
  assert.equal((await signed({ ...fees, to: TO.slice(2), from: A0.slice(2) })).to, TO)
  assert.equal((await signed({ ...fees, to: `0X${TO.slice(2).toUpperCase()}` })).to, TO)
})

test('an empty access list is none, and decides nothing', async (t) => {
  const { signed } = await signer(t)
  const type = async (tx) => {
    const { type, accessList } = await signed({ to: TO, ...tx })
    assert.equal(accessList, undefined)
    return type
  }
  assert.equal(await type({ ...legacy, type: '0x0', accessList: [] }), '0x0')
  assert.equal(await type({ ...legacy, accessList: [] }), '0x0', 'and not type 1, which the device cannot show')
  assert.equal(await type({ ...legacy, type: '0x1', accessList: [] }), '0x1')
  assert.equal(await type({ ...fees, accessList: [] }), '0x2')
})

test('numbers are taken in all forms that have one meaning', async (t) => {
  const { signed } = await signer(t)
  for (const type of [0, 0n, '0x0', '0x00', '0X0']) assert.equal((await signed({ ...legacy, to: TO, type })).type, '0x0')
  for (const value of [16, 16n, '0x10', '0x0010', '0X10']) assert.equal((await signed({ ...fees, to: TO, value })).value, '0x10')
  for (const value of [undefined, null, '', 0, 0n, '0x0', '0x00']) assert.equal((await signed({ ...fees, to: TO, value })).value, '0x0')
  for (const [i, none] of [undefined, null, ''].entries()) {
    const { gas, nonce } = await signed({ to: TO, gas: none, gasLimit: none, nonce: none, gasPrice: none, type: none, chainId: none })
    assert.deepEqual([gas, nonce], ['0x5208', `0x${7 + i}`], "the node's, and above what was signed")
  }
  assert.equal((await signed({ ...fees, to: TO, gas: 21000, gasLimit: '0x5208' })).gas, '0x5208')
})

test('a number without 0x is refused: decimal in some libraries, it is hex in MetaMask', async (t) => {
  const { ask, device } = await signer(t)
  device.calls.length = 0
  for (const name of ['value', 'gas', 'gasLimit', 'gasPrice', 'nonce', 'maxFeePerGas', 'maxPriorityFeePerGas', 'chainId', 'type']) {
    for (const number of ['1', '10', 'de0b6b3a7640000', '1e18', '1.5', ' 1', '0x', '0b1']) {
      await assert.rejects(ask('eth_signTransaction', [{ to: TO, [name]: number }]), { code: -32602, message: new RegExp(name) })
    }
  }
  assert.deepEqual(device.calls, [])
})

test('the parity of an authorization may be its v', async (t) => {
  const { ask, signed } = await signer(t)
  const entry = { chainId: 1, address: TO, nonce: 0, r: '0x1', s: '0x2' }
  const parity = async (fields) => (await signed({ ...fees, to: TO, authorizationList: [{ ...entry, ...fields }] })).authorizationList[0]
  const expected = (yParity) => ({ chainId: '0x1', address: TO, nonce: '0x0', yParity, r: '0x1', s: '0x2' })
  for (const fields of [{ yParity: 0 }, { v: 27n }, { v: '0x1b', yParity: null }, { yParity: 0, v: '0x1b' }]) {
    assert.deepEqual(await parity(fields), expected('0x0'))
  }
  for (const fields of [{ yParity: '0x1' }, { v: 28 }]) assert.deepEqual(await parity(fields), expected('0x1'))
  for (const fields of [{}, { v: 0 }, { v: 29 }, { v: 37 }, { yParity: 2, v: 27 }, { yParity: 0, v: 28 }]) {
    await assert.rejects(parity(fields), { code: -32602, message: /yParity|\bv\b/ }, JSON.stringify(fields))
  }
  await assert.rejects(ask('eth_signTransaction', [{ ...fees, to: TO, authorizationList: [null] }]), { code: -32602 })
})

test('a field that is not known here is refused by its name', async (t) => {
  const { ask, device, signed } = await signer(t)
  device.calls.length = 0
  const unknown = {
    feeCurrency: TO,
    gatewayFee: '0x1',
    gatewayFeeRecipient: TO,
    paymaster: TO,
    paymasterInput: '0x',
    factoryDeps: [],
    customData: {},
    eip712Meta: { gasPerPubdata: '0xc350' },
    feePayer: TO,
    feeToken: TO,
    calls: [],
    blobs: [],
    blobVersionedHashes: [],
    maxFeePerBlobGas: '0x1',
    sidecars: [],
    capabilities: {},
    GasPrice: '0x1',
    toString: 'x',
    constructor: 0,
    signature: false,
  }
  for (const [name, value] of Object.entries(unknown)) {
    for (const method of ['eth_signTransaction', 'eth_sendTransaction', 'wallet_sendTransaction']) {
      const refused = { code: -32602, message: new RegExp(`\\b${name}\\b`) }
      await assert.rejects(ask(method, [{ ...fees, to: TO, [name]: value }]), refused, name)
    }
  }
  await assert.rejects(ask('eth_sendTransaction', [{ ...fees, to: TO, ['x'.repeat(1000)]: 1 }]), ({ message }) => message.length < 300)
  assert.deepEqual(device.calls, [])
  const absent = Object.fromEntries(Object.keys(unknown).map((name, i) => [name, i % 2 ? null : undefined]))
  await signed({ ...fees, ...absent, to: TO })
})

test('each field is read once', async (t) => {
  const { ask } = await signer(t)
  const read = []
  const tx = new Proxy({ ...fees, to: TO, data: '0x00' }, { get: (it, name) => (read.push(name), it[name]) })
  await ask('eth_signTransaction', [tx])
  assert.equal(new Set(read).size, read.length, read.join())
})

test('what a script has added to Object.prototype is in no transaction', async (t) => {
  const { ask, signed } = await signer(t)
  const polluted = {
    gasPrice: '0x9',
    accessList: [{ address: TO, storageKeys: [] }],
    to: A0,
    nonce: '0x7',
    value: '0x5',
    maxFee: 10n ** 30n,
  }
  t.after(() => {
    for (const name of Object.keys(polluted)) delete Object.prototype[name]
  })
  for (const [name, value] of Object.entries(polluted)) {
    Object.prototype[name] = value
    assert.deepEqual(await signed({ ...fees, to: TO }), { ...fees, to: TO, value: '0x0', data: '0x', type: '0x2' }, name)
    assert(!Object.hasOwn(await signed(creation), 'to'), name)
    delete Object.prototype[name]
  }
  await assert.rejects(ask('eth_signTransaction', [{ ...fees, to: { toString: 'no function' } }]), {
    code: -32602,
    message: /to is not an address/,
  })
  class Transaction {
    get to() {
      return TO
    }
  }
  assert.equal((await signed(Object.assign(new Transaction(), fees))).to, TO, 'a field of the class is one')
})
