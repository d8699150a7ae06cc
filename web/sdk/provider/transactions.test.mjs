// Tests of transactions: how the provider completes, signs and sends them, with nodes that may lie.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A0, A1, connected, fakeNode, HASH, nodesTime, TO, until } from '../testdata/fakewallet.js'

const reason = (code, retryable = false) => ({ code, retryable })
const no =
  (code = -32601) =>
  () => {
    throw { code, message: 'no' }
  }

/** sent sends a transaction. It returns the page with the hash, and with the arguments of the device's signTransaction. */
async function sent(t, tx, { answers, ...options } = {}) {
  const it = await connected(t, { node: await fakeNode(t, answers), ...options })
  const hash = await it.ask('eth_sendTransaction', [tx])
  const [, signed, signer] = it.device.calls.at(-1)
  return { ...it, hash, signed, signer }
}

test('a transfer gets nonce, gas and EIP-1559 fees, and returns the computed hash', async (t) => {
  const { hash, signed, signer, node } = await sent(t, { from: A0, to: TO, value: '0xde0b6b3a7640000' })
  assert.equal(hash, HASH)
  assert.deepEqual(signed, {
    from: A0,
    to: TO,
    value: '0xde0b6b3a7640000',
    data: '0x',
    chainId: '0x1',
    nonce: '0x7',
    gas: '0x5208',
    type: '0x2',
    maxFeePerGas: '0xcc',
    maxPriorityFeePerGas: '0x4', // twice the next block's 100, and the median of 2, 4 and 9
  })
  assert.deepEqual(signer, {
    path: "m/44'/60'/0'/0/0",
    from: A0,
    allowUnbound: false,
    acceptUnverified: true,
    nativeCurrency: { symbol: 'ETH', decimals: 18 },
  })
  assert.equal(node.methods()[0], 'eth_chainId', 'before anything else')
  assert.deepEqual(node.asked.find(([method]) => method === 'eth_getTransactionCount')[1], [A0, 'pending'])
  assert.deepEqual(node.asked.at(-1), ['eth_sendRawTransaction', [`0x02${'cd'.repeat(40)}`]])
})

test('gas gets head-room, except for a plain transfer', async (t) => {
  const { signed, node } = await sent(t, { to: TO, data: '0xA9059CBB' }, { answers: { eth_estimateGas: '0x186a0' } })
  assert.equal(Number(signed.gas), 125_000)
  assert.equal(signed.data, '0xa9059cbb')
  assert.deepEqual(node.asked.find(([method]) => method === 'eth_estimateGas')[1], [{ from: A0, to: TO, value: '0x0', data: '0xa9059cbb' }])
})

test('fields that the dApp sets are kept', async (t) => {
  const tx = { to: TO, nonce: '0x1', gas: '0x7530', maxFeePerGas: '0x64', maxPriorityFeePerGas: '0x1', chainId: '0x1', type: '0x2' }
  const { signed, node } = await sent(t, tx)
  assert.deepEqual(signed, { ...tx, from: A0, value: '0x0', data: '0x' })
  assert.deepEqual(node.methods(), ['eth_chainId', 'eth_sendRawTransaction'])
  assert.deepEqual((await sent(t, { ...tx, gas: undefined, gasLimit: '0x7530', nonce: null, data: null, input: '0x00' })).signed, {
    ...tx,
    nonce: '0x7',
    from: A0,
    value: '0x0',
    data: '0x00',
  })
  assert.equal((await sent(t, { to: TO, maxFeePerGas: '0x2' })).signed.maxPriorityFeePerGas, '0x2', 'the tip is at most the whole fee')
  assert.deepEqual(
    (({ maxFeePerGas, maxPriorityFeePerGas }) => [maxFeePerGas, maxPriorityFeePerGas])(
      (await sent(t, { to: TO, maxPriorityFeePerGas: '0xa' })).signed,
    ),
    ['0xd2', '0xa'],
  )
  assert.equal((await sent(t, { to: TO, value: 5n, nonce: 3 })).signed.value, '0x5')
})

test('the type follows from the fields', async (t) => {
  const accessList = [{ address: TO, storageKeys: [`0x${'0A'.repeat(32)}`] }]
  const lower = [{ address: TO, storageKeys: [`0x${'0a'.repeat(32)}`] }]
  const authorizationList = [{ chainId: 1, address: TO, nonce: '0x0', yParity: '0x1', r: '0x1', s: '0x2' }]
  for (const [tx, expected] of [
    [{ gasPrice: '0x9' }, { type: '0x0', gasPrice: '0x9' }],
    [{ type: '0x0' }, { type: '0x0', gasPrice: '0x3b9aca00' }],
    [
      { gasPrice: '0x9', accessList },
      { type: '0x1', gasPrice: '0x9', accessList: lower },
    ],
    [{ type: 1 }, { type: '0x1', gasPrice: '0x3b9aca00' }],
    [{ accessList }, { type: '0x2', maxFeePerGas: '0xcc', maxPriorityFeePerGas: '0x4', accessList: lower }],
    [
      { authorizationList },
      { type: '0x4', maxFeePerGas: '0xcc', maxPriorityFeePerGas: '0x4', authorizationList: [{ ...authorizationList[0], chainId: '0x1' }] },
    ],
  ]) {
    const { signed } = await sent(t, { to: TO, ...tx })
    const { from, to, value, data, chainId, nonce, gas, ...rest } = signed
    assert.deepEqual(rest, expected)
  }
  const { signed } = await sent(t, { data: '0x6000' })
  assert.equal('to' in signed, false, 'a contract is created')
})

test('a chain without a base fee gets the legacy type', async (t) => {
  for (const answers of [
    { eth_feeHistory: no(), eth_getBlockByNumber: { number: '0x1' } },
    { eth_feeHistory: { baseFeePerGas: ['0x0', '0x0'] }, eth_getBlockByNumber: { number: '0x1', baseFeePerGas: null } },
    { eth_feeHistory: null, eth_getBlockByNumber: {} },
  ]) {
    const { signed } = await sent(t, { to: TO }, { answers })
    assert.deepEqual([signed.type, signed.gasPrice, signed.maxFeePerGas], ['0x0', '0x3b9aca00', undefined])
    const { ask } = await connected(t, { node: await fakeNode(t, answers) })
    await assert.rejects(ask('eth_sendTransaction', [{ to: TO, type: '0x2' }]), { code: -32602, message: /gasPrice/ })
  }
})

test('the base fee is found without a fee history, and a tip if recent blocks have none', async (t) => {
  const block = { eth_getBlockByNumber: { baseFeePerGas: '0x64' } }
  assert.equal(
    (await sent(t, { to: TO }, { answers: { eth_feeHistory: no(), eth_maxPriorityFeePerGas: '0x5', ...block } })).signed.maxFeePerGas,
    '0xcd',
  )
  const free = { baseFeePerGas: ['0x64'], reward: [['0x0'], ['0x0']] }
  assert.equal(
    (await sent(t, { to: TO }, { answers: { eth_feeHistory: free, eth_maxPriorityFeePerGas: no(), eth_gasPrice: no() } })).signed
      .maxPriorityFeePerGas,
    '0xa',
  )
})

const prices = ({ type, gasPrice, maxFeePerGas, maxPriorityFeePerGas }) =>
  [type, gasPrice, maxFeePerGas, maxPriorityFeePerGas].map((value) => (value === undefined ? undefined : Number(value)))

test('the priority fee is the highest of several hints, since a node may lack any of them', async (t) => {
  const gwei = 1_000_000_000
  const none = { baseFeePerGas: ['0x0', '0x0'] }
  const free = { eth_getBlockByNumber: { baseFeePerGas: '0x0' } }
  for (const [answers, maxFee, tip] of [
    // A base fee of 0: what a node takes is all priority fee.
    [{ eth_feeHistory: { ...none, reward: [['0x5f5e100']] }, eth_maxPriorityFeePerGas: '0x3b9aca00', eth_gasPrice: '0x1' }, gwei, gwei],
    [{ eth_feeHistory: { ...none, reward: [['0x5f5e100']] }, eth_gasPrice: '0x3b9aca00' }, gwei, gwei],
    [{ eth_feeHistory: { ...none, reward: [['0x0'], ['0x0']] }, eth_maxPriorityFeePerGas: '0x0', eth_gasPrice: '0x3b9aca00' }, gwei, gwei],
    [
      { eth_feeHistory: { ...none, reward: [['0xb2d05e00']] }, eth_maxPriorityFeePerGas: '0x3b9aca00', eth_gasPrice: '0x1' },
      3 * gwei,
      3 * gwei,
    ],
    [{ eth_feeHistory: { ...none, reward: [['0x5f5e100']] }, eth_maxPriorityFeePerGas: '0x3b9aca00', eth_gasPrice: no() }, gwei, gwei],
    [{ eth_feeHistory: { ...none }, eth_maxPriorityFeePerGas: no(), eth_gasPrice: no() }, 0, 0],
    [{ eth_feeHistory: no(), eth_gasPrice: '0x3b9aca00' }, gwei, gwei],
    // Forms that real nodes give.
    [{ eth_feeHistory: { baseFeePerGas: [100], reward: [[4]] } }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [[2]] }, eth_maxPriorityFeePerGas: 4 }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: [0], reward: [[0]] }, eth_gasPrice: gwei, eth_getBlockByNumber: { baseFeePerGas: 0 } }, gwei, gwei],
    [{ eth_feeHistory: no(), eth_getBlockByNumber: { baseFeePerGas: 100 }, eth_maxPriorityFeePerGas: 4 }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: null }, eth_maxPriorityFeePerGas: '0x4' }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [null, [null], ['0x4'], []] } }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'] }, eth_maxPriorityFeePerGas: '0x4' }, 204, 4],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [] }, eth_maxPriorityFeePerGas: null, eth_gasPrice: null }, 210, 10],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [['0x0']] }, eth_maxPriorityFeePerGas: '0x0', eth_gasPrice: '0x64' }, 210, 10],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [['0x0']] }, eth_maxPriorityFeePerGas: '0x', eth_gasPrice: '0x1' }, 210, 10],
    // A base fee of a few wei says as little as none: the gas price says what a node takes.
    [
      { eth_feeHistory: { baseFeePerGas: ['0x7'], reward: [['0x0']] }, eth_maxPriorityFeePerGas: '0x0', eth_gasPrice: '0x3b9aca00' },
      gwei + 7,
      gwei - 7,
    ],
    [{ eth_feeHistory: { baseFeePerGas: ['0x7'] }, eth_gasPrice: gwei }, gwei + 7, gwei - 7],
    [{ eth_feeHistory: { baseFeePerGas: ['0x7'], reward: [['0x2']] }, eth_gasPrice: gwei }, 16, 2],
    [{ eth_feeHistory: { baseFeePerGas: ['0x64'], reward: [['0x2']] }, eth_maxPriorityFeePerGas: '0x4' }, 204, 4],
    [
      {
        eth_feeHistory: no(-32603),
        eth_getBlockByNumber: { baseFeePerGas: '0x64' },
        eth_maxPriorityFeePerGas: no(-32603),
        eth_gasPrice: no(-32603),
      },
      210,
      10,
    ],
    [
      { eth_feeHistory: { baseFeePerGas: [null] }, eth_getBlockByNumber: { baseFeePerGas: '0x64' }, eth_maxPriorityFeePerGas: '0x4' },
      204,
      4,
    ],
  ]) {
    const { signed } = await sent(t, { to: TO }, { answers: { ...free, ...answers } })
    assert.deepEqual(prices(signed), [2, undefined, maxFee, tip], JSON.stringify(answers))
  }
  const { signed } = await sent(t, { to: TO, type: 0 }, { answers: { eth_gasPrice: gwei } })
  assert.deepEqual(prices(signed), [0, gwei, undefined, undefined])
})

test('a node without a base fee does not choose a type that the device signs without showing it', async (t) => {
  const accessList = [{ address: TO, storageKeys: [] }]
  for (const history of [no(), null, {}, { baseFeePerGas: [] }, { baseFeePerGas: ['0x0'] }, { baseFeePerGas: [null] }]) {
    const answers = { eth_feeHistory: history, eth_getBlockByNumber: { number: '0x1' } }
    for (const method of ['eth_sendTransaction', 'eth_signTransaction']) {
      const { ask, device } = await connected(t, { node: await fakeNode(t, answers) })
      await assert.rejects(ask(method, [{ to: TO, accessList }]), { code: -32602, message: /name the type/ })
      assert.equal(device.calls.length, 1, 'only the call that connected')
      await ask(method, [{ to: TO, accessList, type: 1 }])
      assert.equal(device.calls.at(-1)[1].type, '0x1')
      await ask(method, [{ to: TO, accessList, gasPrice: '0x9' }])
      assert.equal(device.calls.at(-1)[1].type, '0x1', 'the dApp chose it by its fields')
    }
  }
})

test('the nonce is the highest of the pending and the latest count, and a node need not know the tag pending', async (t) => {
  const counts = (pending, latest) => ({
    eth_getTransactionCount: (_, tag) => {
      const count = { pending, latest }[tag]
      if (typeof count === 'function') return count()
      return count
    },
  })
  for (const [pending, latest, nonce] of [
    [no(-32602), '0x7', 7],
    [no(-32601), '0x7', 7],
    [no(-32000), '0x7', 7],
    [no(-32603), '0x7', 7],
    ['0x9', '0x7', 9],
    ['0x5', '0x7', 7],
    ['0x0', '0x0', 0],
    ['0x', '0x', 0],
    ['0x5', '0x', 5],
  ]) {
    assert.equal(Number((await sent(t, { to: TO }, { answers: counts(pending, latest) })).signed.nonce), nonce)
  }
  const { ask, device } = await connected(t, { node: await fakeNode(t, counts('0x7', no(-32000))) })
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), { code: -32000 })
  assert.equal(device.calls.length, 1)
})

test('malformed transactions are -32602 before anything is sent to the node or the device', async (t) => {
  const { ask, device, node } = await connected(t)
  device.calls.length = 0
  const list = [{ address: TO, storageKeys: [] }]
  for (const tx of [
    undefined,
    null,
    'x',
    [],
    {},
    { to: TO, from: '0x12' },
    { to: '0x12' },
    { to: '' },
    { to: '0x' },
    { to: A0.replace('7b2F', '7B2F') },
    { to: TO, value: '1' },
    { to: TO, value: '0x' },
    { to: TO, value: -1 },
    { to: TO, value: 1.5 },
    { to: TO, value: `0x1${'0'.repeat(64)}` },
    { to: TO, value: '-0x1' },
    { to: TO, value: true },
    { to: TO, nonce: `0x1${'0'.repeat(16)}` },
    { to: TO, gas: 'lots' },
    { to: TO, data: '0x123' },
    { to: TO, data: 'text' },
    { to: TO, data: '0x00', input: '0x01' },
    { to: TO, gas: '0x1', gasLimit: '0x2' },
    { to: TO, type: '0x3' },
    { to: TO, type: '0x5' },
    { to: TO, blobVersionedHashes: [] },
    { to: TO, gasPrice: '0x1', maxFeePerGas: '0x1' },
    { to: TO, maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x2' },
    { to: TO, type: '0x0', maxFeePerGas: '0x1' },
    { to: TO, type: '0x2', gasPrice: '0x1' },
    { to: TO, type: '0x0', accessList: list },
    { to: TO, accessList: {} },
    { to: TO, accessList: [null] },
    { to: TO, accessList: [{ address: TO }] },
    { to: TO, accessList: [{ address: TO, storageKeys: ['0x01'] }] },
    { to: TO, type: '0x4' },
    { to: TO, authorizationList: [] },
    { to: TO, authorizationList: [{}] },
    { to: TO, authorizationList: [{ chainId: 1, address: TO, nonce: 0, yParity: 2, r: 1, s: 1 }] },
    { data: '0x00', authorizationList: [{ chainId: 1, address: TO, nonce: 0, yParity: 0, r: 1, s: 1 }] },
    { to: TO, type: '0x2', authorizationList: [{ chainId: 1, address: TO, nonce: 0, yParity: 0, r: 1, s: 1 }] },
    { to: TO, chainId: 'one' },
  ]) {
    for (const method of ['eth_sendTransaction', 'eth_signTransaction']) {
      await assert.rejects(ask(method, [tx]), { code: -32602, data: reason('invalid-argument') }, JSON.stringify(tx))
    }
  }
  assert.deepEqual([device.calls, node.asked], [[], []])
})

test('data of more than 65535 bytes is refused', async (t) => {
  const { ask, device, node } = await connected(t)
  device.calls.length = 0
  for (const bytes of [65536, 32 << 20]) {
    const long = `0x${'00'.repeat(bytes)}`
    for (const [method, params] of [
      ['eth_sendTransaction', [{ to: TO, data: long }]],
      ['eth_signTransaction', [{ to: TO, input: long }]],
      ['eth_sendTransaction', [{ to: TO, accessList: [{ address: TO, storageKeys: [long] }] }]],
      ['personal_sign', [long, A0]],
      ['eth_sign', [A0, long]],
    ]) {
      await assert.rejects(ask(method, params), { code: -32602, data: reason('invalid-argument') }, method)
    }
  }
  assert.deepEqual([device.calls, node.asked], [[], []])
  const most = `0x${'00'.repeat(65535)}`
  await ask('eth_sendTransaction', [{ to: TO, data: most }])
  assert.equal(device.calls.at(-1)[1].data, most)
  await ask('personal_sign', [most, A0])
  assert.equal(device.calls.at(-1)[1].length, 65535)
})

test('a wrong chain of the node or of the request is 4901', async (t) => {
  const { ask, device, node } = await connected(t)
  device.calls.length = 0
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO, chainId: '0x2' }]), { code: 4901 })
  assert.deepEqual(node.asked, [])
  node.answers.eth_chainId = '0x2'
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), { code: 4901, message: /node is on chain 2/ })
  assert.deepEqual(node.methods(), ['eth_chainId'])
  assert.deepEqual(device.calls, [])
})

test('an impossible answer of the node is an error before the device is asked', async (t) => {
  for (const answers of [
    { eth_chainId: 1 },
    { eth_chainId: null },
    { eth_getTransactionCount: 'many' },
    { eth_getTransactionCount: `0x${'f'.repeat(64)}` },
    { eth_estimateGas: '0x1' },
    { eth_estimateGas: {} },
    { eth_feeHistory: { baseFeePerGas: ['cheap'] } },
    { eth_feeHistory: { baseFeePerGas: ['0x1'], reward: [['cheap']] } },
    { eth_feeHistory: { baseFeePerGas: [-1] } },
    { eth_feeHistory: { baseFeePerGas: [1.5] } },
    { eth_maxPriorityFeePerGas: 'cheap' },
    { eth_feeHistory: { baseFeePerGas: [`0x${'f'.repeat(64)}`] } },
  ]) {
    const { ask, device } = await connected(t, { node: await fakeNode(t, answers) })
    await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), { code: -32603, data: reason('protocol') }, JSON.stringify(answers))
    assert.equal(device.calls.length, 1, 'only the call that connected')
  }
})

test("a node's error about a transaction is passed on, unchanged before the signature, and the device is not asked", async (t) => {
  const revert = { code: 3, message: 'execution reverted', data: '0x08c379a0' }
  const { ask, device } = await connected(t, {
    node: await fakeNode(t, {
      eth_estimateGas: () => {
        throw revert
      },
    }),
  })
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO, data: '0x00' }]), revert)
  assert.deepEqual([device.calls.length, device.opened], [1, 1])
  const poor = { code: -32000, message: 'insufficient funds for gas * price + value' }
  const it = await connected(t, {
    node: await fakeNode(t, {
      eth_sendRawTransaction: () => {
        throw poor
      },
    }),
  })
  const error = await it.ask('eth_sendTransaction', [{ to: TO }]).catch((thrown) => thrown)
  assert.deepEqual([error.code, error.data], [poor.code, { retryable: true, hash: HASH, raw: `0x02${'cd'.repeat(40)}`, nonce: '0x7' }])
  assert(error.message.startsWith(`${poor.message}. The signed transaction may have been sent all the same, as ${HASH}`), error.message)
})

test('if a node answers with another hash, the error contains the computed one', async (t) => {
  for (const answer of [`0x${'00'.repeat(32)}`, null, {}, { toString: 'no function' }]) {
    const { ask } = await connected(t, { node: await fakeNode(t, { eth_sendRawTransaction: answer }) })
    await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), {
      code: -32603,
      message: new RegExp(HASH),
      data: { ...reason('protocol', true), hash: HASH, raw: `0x02${'cd'.repeat(40)}`, nonce: '0x7' },
    })
  }
  assert.equal((await sent(t, { to: TO }, { answers: { eth_sendRawTransaction: HASH.toUpperCase().replace('X', 'x') } })).hash, HASH)
})

test('if the node does not answer after the signature, the error contains the hash', async (t) => {
  const { ask, node, device } = await connected(t)
  device.signTransaction = () => {
    node.reply = (response) => response.destroy()
    return { raw: '0x02', hash: HASH }
  }
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), {
    code: -32603,
    message: new RegExp(`may have been sent.*${HASH}`),
    data: { ...reason('node-unreachable', true), hash: HASH, raw: '0x02', nonce: '0x7' },
  })
})

test('a transaction that a node passed on without an answer does not count as failed', async (t) => {
  const founds = [{ hash: HASH.toUpperCase().replace('X', 'x') }, null, { hash: TO }, undefined]
  const end = nodesTime(t)
  for (const [silence, some] of [
    [end, founds],
    [(response) => response.destroy(), founds],
    [(response) => response.writeHead(502).end('<html>'), founds],
  ]) {
    for (const found of some) {
      const [first, second] = [
        await fakeNode(t),
        await fakeNode(t, {
          eth_sendRawTransaction: () => assert.fail('another node got the transaction'),
          ...(found !== undefined && { eth_getTransactionByHash: found }),
        }),
      ]
      const { ask, device } = await connected(t, { chains: [{ chainId: 1, rpcUrls: [first.url, second.url] }] })
      device.signTransaction = () => {
        first.replies.eth_sendRawTransaction = silence
        return { raw: '0x02', hash: HASH }
      }
      const asked = ask('eth_sendTransaction', [{ to: TO }])
      if (found?.hash?.length === HASH.length) assert.equal(await asked, HASH)
      else await assert.rejects(asked, { code: -32603, message: new RegExp(`may have been sent.*${HASH}`) }, JSON.stringify(found))
      assert.deepEqual(second.asked.at(-1), ['eth_getTransactionByHash', [HASH]])
    }
  }
})

test('a transaction that the node already has counts as sent', async (t) => {
  // This happens when a dApp sends the same transaction again: its signature is deterministic, so all bytes are the same.
  for (const message of ['already known', 'nonce too low', 'Known transaction']) {
    const refusal = { code: -32000, message }
    const answers = {
      eth_sendRawTransaction: () => {
        throw refusal
      },
    }
    assert.equal((await sent(t, { to: TO }, { answers: { ...answers, eth_getTransactionByHash: { hash: HASH } } })).hash, HASH)
    for (const other of [null, { hash: TO }, 'yes', {}]) {
      const { ask, node } = await connected(t, { node: await fakeNode(t, { ...answers, eth_getTransactionByHash: other }) })
      await assert.rejects(
        ask('eth_sendTransaction', [{ to: TO }]),
        { code: -32000, message: new RegExp(`^${message}`) },
        JSON.stringify(other),
      )
      assert.deepEqual(node.asked.at(-1), ['eth_getTransactionByHash', [HASH]])
    }
  }
})

test('a transaction is sent to the nodes of its chain, even if another chain is selected meanwhile', async (t) => {
  const [one, two] = [await fakeNode(t), await fakeNode(t, { eth_chainId: '0x2' })]
  const chains = [
    { chainId: 1, rpcUrls: [one.url] },
    { chainId: 2, rpcUrls: [two.url], nativeCurrency: { symbol: 'TWO', decimals: 18 } },
  ]
  const { ask, device } = await connected(t, { node: one, chains })
  let answer
  device.signTransaction = () =>
    new Promise((resolve) => {
      answer = () => resolve({ raw: '0x02', hash: HASH })
    })
  const asked = [ask('eth_sendTransaction', [{ to: TO }]), ask('eth_sendTransaction', [{ to: TO, chainId: '0x1' }])]
  await until(() => answer)
  await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  answer()
  assert.equal(await asked[0], HASH)
  assert.equal(one.methods().at(-1), 'eth_sendRawTransaction')
  answer = undefined
  await until(() => answer) // the same node completes the transaction that waited
  answer()
  assert.equal(await asked[1], HASH)
  assert.deepEqual(
    one.methods().filter((method) => /chainId|send/i.test(method)),
    ['eth_chainId', 'eth_sendRawTransaction', 'eth_chainId', 'eth_sendRawTransaction'],
  )
  assert.deepEqual(two.asked, [])
  for (const [name, transaction, { nativeCurrency }] of device.calls.slice(-2)) {
    assert.deepEqual([name, transaction.chainId, nativeCurrency.symbol], ['signTransaction', '0x1', 'ETH'])
  }
})

test('a fee that the node chose is limited for every type, by default to one coin', async (t) => {
  const authorizationList = [{ chainId: 1, address: TO, nonce: '0x0', yParity: '0x1', r: '0x1', s: '0x2' }]
  const hex = (number) => `0x${number.toString(16)}`
  const gwei = 10n ** 9n
  const coin = 10n ** 18n
  const kinds = { 0: { type: 0 }, 1: { type: 1 }, 2: { type: 2 }, 4: { authorizationList } }
  /** priced gives answers of a node that make this fee. Its estimate of 80000 gas becomes 100000 with head-room. */
  const priced = (fee, gas = 80_000n) => {
    const price = fee / ((gas * 5n) / 4n)
    return {
      eth_estimateGas: hex(gas),
      eth_gasPrice: hex(price),
      eth_feeHistory: { baseFeePerGas: [hex((price - 2n) / 2n)], reward: [['0x2']] },
    }
  }
  const send = async (kind, answers, more, maxFee) => {
    const node = await fakeNode(t, answers)
    const it = await connected(t, { node, chains: [{ chainId: 1, rpcUrls: [node.url], ...(maxFee !== undefined && { maxFee }) }] })
    const calls = it.device.calls.length
    const result = await it.ask('eth_sendTransaction', [{ to: TO, ...kinds[kind], ...more }]).catch((error) => error)
    if (result !== HASH)
      assert.deepEqual([result.code, result.data, it.device.calls.length], [-32603, reason('protocol'), calls], String(result))
    return result === HASH ? 'sent' : result.message
  }
  for (const kind of [0, 1, 2, 4]) {
    assert.equal(await send(kind, priced(coin)), 'sent')
    assert.match(await send(kind, priced(coin + 100_000n * 2n)), /1\.0000000000002 ETH, more than 1 ETH/)
    assert.match(await send(kind, priced(3n * coin, 5_000_000_000_000n)), /3 ETH, more than 1 ETH/, 'the node chose the gas as well')
    assert.match(await send(kind, priced(3n * coin), { gas: hex(100_000n) }), /more than/, 'the node chose the price')
    const given = kind < 2 ? { gasPrice: hex(30_000n * gwei) } : { maxFeePerGas: hex(30_000n * gwei) }
    assert.match(await send(kind, priced(coin), given), /3 ETH, more than 1 ETH/)
    assert.equal(await send(kind, priced(9n * coin), { gas: hex(100_000n), ...given }), 'sent', 'no limit if the dApp set gas and price')
    assert.equal(await send(kind, priced(9n * coin), {}, 9n * coin), 'sent')
    assert.match(await send(kind, priced(coin), {}, coin / 100n), /1 ETH, more than 0\.01 ETH/)
  }
})

test('the next transaction waits until the node has the previous one', async (t) => {
  const { ask, node, device } = await connected(t)
  let count = 7
  node.answers.eth_getTransactionCount = () => `0x${count.toString(16)}`
  node.answers.eth_sendRawTransaction = () => (count++, HASH)
  await Promise.all([1, 2, 3].map((n) => ask('eth_sendTransaction', [{ to: TO, value: n }])))
  assert.deepEqual(
    device.calls.filter(([name]) => name === 'signTransaction').map(([, { nonce, value }]) => [nonce, value]),
    [
      ['0x7', '0x1'],
      ['0x8', '0x2'],
      ['0x9', '0x3'],
    ],
  )
})

test('eth_signTransaction returns the signed transaction and sends nothing', async (t) => {
  const { ask, node } = await connected(t)
  assert.equal(await ask('eth_signTransaction', [{ from: A0, to: TO }]), `0x02${'cd'.repeat(40)}`)
  assert(!node.methods().includes('eth_sendRawTransaction'))
})

test('any of the accounts can send, on its own path', async (t) => {
  const { signer, signed } = await sent(t, { from: A1.toLowerCase(), to: TO }, { accounts: 2 })
  assert.deepEqual([signer.path, signer.from, signed.from], ["m/44'/60'/0'/0/1", A1, A1])
})

test("the device gets the chain's currency for its screen", async (t) => {
  const node = await fakeNode(t)
  const chains = [{ chainId: 1, rpcUrls: [node.url], nativeCurrency: { name: 'Coin', symbol: 'COIN', decimals: 18 } }]
  const { ask, device } = await connected(t, { node, chains })
  await ask('eth_sendTransaction', [{ to: TO }])
  assert.deepEqual(device.calls.at(-1)[2], {
    path: "m/44'/60'/0'/0/0",
    from: A0,
    allowUnbound: false,
    acceptUnverified: true,
    nativeCurrency: { symbol: 'COIN', decimals: 18 },
  })
})

test('a transaction that is aborted while it is completed does not open the device', async (t) => {
  const controller = new AbortController()
  const { ask, device } = await connected(t, {
    node: await fakeNode(t, { eth_estimateGas: () => (controller.abort(), new Promise(() => {})) }),
  })
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO }], { signal: controller.signal }), {
    code: -32603,
    data: reason('aborted', true),
  })
  assert.equal(device.opened, 1)
})

test('a signed transaction is sent, even if the request is aborted then', async (t) => {
  const controller = new AbortController()
  const { ask, device } = await connected(t)
  device.signTransaction = () => (controller.abort(), { raw: '0x02', hash: HASH })
  assert.equal(await ask('eth_sendTransaction', [{ to: TO }], { signal: controller.signal }), HASH)
})
