// Tests of batches of calls (EIP-5792): what is asked, signed and sent, and what their status says.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A0, A1, connected, fakeNode, page, TO, until } from '../testdata/fakewallet.js'

const transfers = [
  { to: TO, value: '0x1' },
  { to: TO, value: '0x2' },
  { to: TO, value: '0x3' },
]
const batch = (more) => ({ version: '2.0.0', chainId: '0x1', from: A0, atomicRequired: false, calls: transfers, ...more })
const hashOf = (nonce) => `0x${Number(nonce).toString(16).padStart(64, '0')}`
const receiptOf = (nonce, status = '0x1') => ({
  transactionHash: hashOf(nonce),
  status,
  blockHash: hashOf(99),
  blockNumber: '0x10',
  gasUsed: '0x5208',
  logs: [{ address: TO, data: '0x', topics: [], logIndex: '0x0' }],
  cumulativeGasUsed: '0x5208',
})

/** calling makes a page that can send batches, of which the user is asked. receipts has the receipts of the node by hash. */
async function calling(t, { answers, yes = true, ...options } = {}) {
  const receipts = new Map()
  const mine = (nonce, status) => receipts.set(hashOf(nonce), receiptOf(nonce, status))
  const node = await fakeNode(t, {
    eth_sendRawTransaction: (raw) => hashOf(`0x${raw.slice(4)}`),
    eth_getTransactionReceipt: (hash) => receipts.get(hash) ?? null,
    eth_getTransactionByHash: (hash) => (receipts.has(hash) ? { hash, blockNumber: '0x10' } : null),
    eth_simulateV1: null,
    ...answers,
  })
  const asked = []
  const confirmCalls = async (request) => {
    asked.push(request)
    return typeof yes === 'function' ? yes(request) : yes
  }
  const it = await connected(t, { node, confirmCalls, ...options })
  it.device.calls.length = 0
  it.device.signTransaction = (tx) => ({
    raw: `0x02${Number(tx.nonce).toString(16).padStart(6, '0')}`,
    hash: hashOf(tx.nonce),
    from: tx.from,
  })
  const signed = () => it.device.calls.filter(([name]) => name === 'signTransaction').map(([, tx]) => tx)
  const status = (id) => it.ask('wallet_getCallsStatus', [id])
  return { ...it, asked, mine, receipts, signed, status, send: (more) => it.ask('wallet_sendCalls', [batch(more)]) }
}

test('a batch is asked for once, and each call is signed and sent as a transaction', async (t) => {
  const { send, asked, signed, status, mine, node, events } = await calling(t)
  const answer = await send()
  assert.deepEqual(Object.keys(answer), ['id'])
  assert.match(answer.id, /^0x[0-9a-f]{64}$/)
  assert.equal(asked.length, 1)
  assert.deepEqual(
    { ...asked[0], calls: asked[0].calls.map(({ transaction }) => transaction.value) },
    {
      account: { address: A0, path: "m/44'/60'/0'/0/0" },
      chain: { id: 1, nativeCurrency: { symbol: 'ETH', decimals: 18 }, known: true },
      calls: ['0x1', '0x2', '0x3'],
      first: 1,
      total: 3,
    },
  )
  assert.deepEqual(
    signed().map(({ value, nonce, gas, chainId, from }) => [value, nonce, gas, chainId, from]),
    [1, 2, 3].map((n) => [`0x${n}`, `0x${6 + n}`, '0x5208', '0x1', A0]),
  )
  assert.deepEqual(
    signed(),
    asked[0].calls.map(({ transaction }) => ({ ...transaction })),
    'what is signed is what was shown',
  )
  assert.equal(node.methods().filter((method) => method === 'eth_sendRawTransaction').length, 3)
  assert(events('interaction').every(({ method }) => method === 'wallet_sendCalls'))

  const pending = { version: '2.0.0', id: answer.id, chainId: '0x1', status: 100, atomic: false }
  assert.deepEqual(await status(answer.id), pending)
  mine(7)
  mine(8)
  const { logs, cumulativeGasUsed: _, ...receipt } = receiptOf(7)
  const [log] = logs.map(({ logIndex: _, ...log }) => log)
  assert.deepEqual((await status(answer.id)).receipts[0], { ...receipt, logs: [log] })
  assert.equal((await status(answer.id)).status, 100)
  mine(9)
  const done = await status(answer.id)
  assert.equal(done.status, 200)
  assert.deepEqual(
    done.receipts.map(({ transactionHash }) => transactionHash),
    [7, 8, 9].map(hashOf),
  )
})

test('a user who does not want the batch is not asked on the device', async (t) => {
  for (const yes of [false, 'yes', undefined]) {
    const { send, signed, status } = await calling(t, { yes: () => yes })
    await assert.rejects(send({ id: '0x01' }), { code: 4001, data: { code: 'user-rejected', retryable: false } })
    assert.deepEqual(signed(), [])
    await assert.rejects(status('0x01'), { code: 5730 })
  }
})

test('a rejection of the first call rejects the batch; one of a later call leaves the earlier ones', async (t) => {
  const { send, device, status, mine } = await calling(t)
  const sign = device.signTransaction
  let left = 0
  device.signTransaction = (tx) => {
    if (left-- <= 0) throw device.error('user-rejected')
    return sign(tx)
  }
  await assert.rejects(send({ id: '0x01' }), { code: 4001 })
  left = 2
  assert.deepEqual(await send({ id: '0x01' }), { id: '0x01' }, 'nothing was sent under this id')
  assert.equal((await status('0x01')).status, 100)
  mine(7)
  mine(8, '0x0')
  const partly = await status('0x01')
  assert.equal(partly.status, 600)
  assert.equal(partly.receipts.length, 2)
})

test('the status of a batch follows from its receipts', async (t) => {
  const of = async (...states) => {
    const { send, status, mine } = await calling(t)
    const { id } = await send()
    states.forEach((state, i) => mine(7 + i, state))
    return (await status(id)).status
  }
  assert.equal(await of('0x1', '0x1', '0x1'), 200)
  assert.equal(await of('0x0', '0x0', '0x0'), 500)
  assert.equal(await of('0x1', '0x0', '0x1'), 600)
  assert.equal(await of('0x1', '0x0'), 100)
})

test('no call follows one that failed', async (t) => {
  const it = await calling(t)
  const { send, device, signed, status, mine } = it
  const sign = device.signTransaction
  device.signTransaction = (tx) => {
    mine(tx.nonce, '0x0')
    return sign(tx)
  }
  const { id } = await send()
  assert.equal(signed().length, 1)
  assert.equal((await status(id)).status, 500)
})

test('what EIP-5792 refuses is refused with its code, before anyone is asked', async (t) => {
  const { send, ask, asked, signed, node } = await calling(t)
  const cases = [
    [{ atomicRequired: true }, 5760],
    [{ atomicRequired: true, calls: transfers.slice(1) }, 5760],
    [{ capabilities: { paymasterService: { url: 'https://pay.example' } } }, 5700],
    [{ calls: [{ to: TO, capabilities: { gasLimitOverride: { value: '0x1' } } }] }, 5700],
    [{ capabilities: { 'very <b>odd': {} } }, 5700],
    [{ chainId: '0x2' }, 5710],
    [{ calls: Array.from({ length: 11 }, () => transfers[0]) }, 5740],
    [{ from: A1 }, 4100],
    [{ version: '1.0' }, -32602],
    [{ version: undefined }, -32602],
    [{ atomicRequired: undefined }, -32602],
    [{ calls: [] }, -32602],
    [{ calls: {} }, -32602],
    [{ calls: [null] }, -32602],
    [{ calls: [{ to: TO, gas: '0x5208' }] }, -32602],
    [{ calls: [{ to: TO, nonce: '0x1' }] }, -32602],
    [{ calls: [{ to: 'somebody' }] }, -32602],
    [{ calls: [transfers[0], {}] }, -32602],
    [{ chainId: 1 }, -32602],
    [{ chainId: undefined }, -32602],
    [{ from: 'me' }, -32602],
    [{ id: '' }, -32602],
    [{ id: 7 }, -32602],
    [{ id: `0x${'00'.repeat(4097)}` }, -32602],
    [{ capabilities: [] }, -32602],
  ]
  for (const [more, code] of cases) {
    const error = await send(more).then(
      () => assert.fail(JSON.stringify(more)),
      (e) => e,
    )
    assert.equal(error.code, code, `${JSON.stringify(more).slice(0, 200)}: ${error.message}`)
    assert.match(error.message, /^[A-Z].*\.( \(.*\))?$/s)
    assert.doesNotMatch(error.message, /<b>/)
  }
  for (const params of [[], [null], ['x'], [[]]]) await assert.rejects(ask('wallet_sendCalls', params), { code: -32602 })
  assert.deepEqual([asked, signed(), node.asked], [[], [], []])
  const stranger = await page(t, { confirmCalls: () => true })
  await assert.rejects(stranger.ask('wallet_sendCalls', [batch()]), { code: 4100 })
  await assert.rejects(stranger.ask('wallet_sendCalls', [batch({ from: undefined })]), { code: 4100 })
  assert.deepEqual(stranger.device.calls, [])
})

test('capabilities that are optional are passed over', async (t) => {
  const optional = { paymasterService: { url: 'https://pay.example', optional: true } }
  const { send, signed } = await calling(t)
  await send({ capabilities: optional, calls: [{ ...transfers[0], capabilities: optional, data: undefined }], from: undefined })
  assert.equal(signed().length, 1)
})

test('an id is good for one batch, while it is asked for and after', async (t) => {
  let answer
  const { send, asked, signed } = await calling(t, { yes: () => new Promise((resolve) => (answer = resolve)) })
  const first = send({ id: 'mine' })
  await until(() => asked.length === 1)
  await assert.rejects(send({ id: 'mine' }), { code: 5720 })
  answer(true)
  assert.deepEqual(await first, { id: 'mine' })
  await assert.rejects(send({ id: 'mine' }), { code: 5720 })
  assert.equal(signed().length, 3)
})

test('a provider of the same site knows the batch, as after a reload', async (t) => {
  const { send, create, mine } = await calling(t)
  const { id } = await send({ calls: transfers.slice(0, 1) })
  mine(7)
  const status = await create().request({ method: 'wallet_getCallsStatus', params: [id] })
  assert.equal(status.status, 200)
})

test('an id that is not known is 5730', async (t) => {
  const { ask } = await calling(t)
  for (const method of ['wallet_getCallsStatus', 'wallet_showCallsStatus']) {
    await assert.rejects(ask(method, ['0x01']), { code: 5730 })
    await assert.rejects(ask(method, ['toString']), { code: 5730 })
    await assert.rejects(ask(method, []), { code: -32602 })
  }
})

test('capabilities say for each chain that nothing is atomic', async (t) => {
  const it = await calling(t, {
    chains: [1, 10].map((chainId) => ({ chainId, rpcUrls: ['http://127.0.0.1:1'] })),
  })
  const none = { atomic: { status: 'unsupported' } }
  assert.deepEqual(await it.ask('wallet_getCapabilities', [A0]), { '0x1': none, '0xa': none })
  assert.deepEqual(await it.ask('wallet_getCapabilities', [A0.toLowerCase(), ['0xa', '0x5']]), { '0xa': none })
  assert.deepEqual(await it.ask('wallet_getCapabilities', [undefined]), { '0x1': none, '0xa': none })
  await assert.rejects(it.ask('wallet_getCapabilities', [A1]), { code: 4100 })
  await assert.rejects(it.ask('wallet_getCapabilities', ['me']), { code: -32602 })
  await assert.rejects(it.ask('wallet_getCapabilities', [A0, '0x1']), { code: -32602 })
  const stranger = await page(t)
  await assert.rejects(stranger.ask('wallet_getCapabilities', [A0]), { code: 4100 })
})

test('a batch is for the chain that it names', async (t) => {
  const other = await fakeNode(t, { eth_chainId: '0xa', eth_sendRawTransaction: (raw) => hashOf(`0x${raw.slice(4)}`) })
  const one = await fakeNode(t)
  const { send, signed, ask } = await calling(t, {
    chains: [
      { chainId: 1, rpcUrls: [one.url] },
      { chainId: 10, rpcUrls: [other.url] },
    ],
  })
  one.asked.length = 0
  await send({ chainId: '0xa', calls: transfers.slice(0, 1) })
  assert.deepEqual(
    signed().map(({ chainId }) => chainId),
    ['0xa'],
  )
  assert.deepEqual(one.asked, [])
  assert.equal(await ask('eth_chainId'), '0x1')
})

test('a node that simulates says the gas of calls that need earlier ones', async (t) => {
  const simulated =
    (...results) =>
    () => [{ calls: results }]
  const used = (gasUsed) => ({ status: '0x1', gasUsed, returnData: '0x', logs: [] })
  const answers = {
    eth_estimateGas: ({ value }) => {
      if (value !== '0x1') throw { code: 3, message: 'execution reverted' }
      return '0x5208'
    },
    eth_simulateV1: simulated(used('0x5208'), used('0x186a0'), used('0x5208')),
  }
  const calls = [transfers[0], { to: TO, data: '0x12345678' }, transfers[2]]
  const { send, signed, asked } = await calling(t, { answers })
  await send({ calls })
  assert.deepEqual(
    signed().map(({ gas }) => Number(gas)),
    [21_000, 150_000, 21_000],
  )
  assert.equal(asked.length, 1)

  answers.eth_simulateV1 = simulated(
    used('0x5208'),
    { status: '0x0', error: { code: 3, message: 'execution reverted: no' } },
    used('0x5208'),
  )
  const failing = await calling(t, { answers })
  await assert.rejects(failing.send({ calls }), { code: 3, message: 'execution reverted: no' })
  assert.deepEqual([failing.asked, failing.signed()], [[], []])

  for (const impossible of [null, [], [{}], [{ calls: [used('0x5208')] }]]) {
    const it = await calling(t, { answers: { eth_simulateV1: impossible } })
    await it.send()
    assert.deepEqual(
      it.signed().map(({ gas }) => gas),
      ['0x5208', '0x5208', '0x5208'],
    )
  }
  const lying = await calling(t, { answers: { eth_simulateV1: simulated(used('0x5208'), used('0x1'), used('0x5208')) } })
  await assert.rejects(lying.send(), { code: -32603 })
})

test('a call that the node cannot complete yet waits until the one before is in a block, and is asked for then', async (t) => {
  const it = await calling(t, {
    answers: {
      eth_estimateGas: ({ value }) => {
        if (value === '0x2' && it.receipts.size === 0) throw { code: 3, message: 'execution reverted' }
        return '0x5208'
      },
      eth_getTransactionCount: () => `0x${(7 + it.receipts.size).toString(16)}`,
      eth_simulateV1: () => {
        throw { code: -32601, message: 'the method eth_simulateV1 does not exist' }
      },
    },
  })
  const sent = it.send({ id: 'slow' })
  await until(() => it.node.methods().includes('eth_getTransactionReceipt'))
  assert.equal((await it.status('slow')).status, 100)
  assert.deepEqual(
    it.asked.map(({ first, total, calls }) => [first, total, calls.length]),
    [[1, 3, 1]],
  )
  it.mine(7)
  await sent
  assert.deepEqual(
    it.asked.map(({ first, total, calls }) => [first, total, calls.length]),
    [
      [1, 3, 1],
      [2, 3, 2],
    ],
  )
  assert.deepEqual(
    it.signed().map(({ nonce }) => nonce),
    ['0x7', '0x8', '0x9'],
  )
  assert.equal((await it.status('slow')).status, 100)
})

test('a request that is aborted stops between two calls', async (t) => {
  const controller = new AbortController()
  const it = await calling(t)
  const sign = it.device.signTransaction
  it.device.signTransaction = (tx) => {
    if (it.signed().length === 2) controller.abort()
    return sign(tx)
  }
  await it.ask('wallet_sendCalls', [batch({ id: 'stopped' })], { signal: controller.signal })
  assert.equal(it.signed().length, 2)
  it.mine(7)
  it.mine(8)
  assert.equal((await it.status('stopped')).status, 600)
})

test('a batch whose first transaction may have been sent is not paid twice', async (t) => {
  let fails = true
  const it = await calling(t, {
    answers: {
      eth_sendRawTransaction: (raw) => {
        if (fails) throw { code: -32603, message: 'the connection broke' }
        return hashOf(`0x${raw.slice(4)}`)
      },
    },
  })
  await assert.rejects(it.send({ id: 'again' }), (error) => error.data.hash === hashOf(7))
  fails = false
  await it.send({ id: 'again' })
  assert.deepEqual(
    it.signed().map(({ value, nonce }) => [value, nonce]),
    [
      ['0x1', '0x7'],
      ['0x2', '0x8'],
      ['0x3', '0x9'],
    ],
  )
})

test('two equal calls are two payments', async (t) => {
  const it = await calling(t)
  await it.send({ calls: [transfers[0], transfers[0]] })
  assert.deepEqual(
    it.signed().map(({ nonce }) => nonce),
    ['0x7', '0x8'],
  )
})

test('confirmCalls has to be a function', async (t) => {
  const { sdk } = await page(t)
  assert.throws(() => sdk.createProvider({ chains: [{ chainId: 1, rpcUrls: ['https://a.example'] }], confirmCalls: true }), {
    code: 'invalid-argument',
  })
})

test('where there is no page to ask on, there are no batches of several calls', async (t) => {
  const { ask, signed } = await calling(t, { confirmCalls: undefined })
  await assert.rejects(ask('wallet_sendCalls', [batch()]), {
    code: 4200,
    message: /does not exist \/ is not available/, // the words by which viem sends the calls one by one
    data: { code: 'unsupported-method', reason: 'no-page', retryable: false },
  })
  assert.deepEqual(signed(), [])
})

test('a batch of one call needs no dialog: the device shows all of it', async (t) => {
  const { send, signed, status } = await calling(t, { confirmCalls: undefined })
  const { id } = await send({ calls: transfers.slice(0, 1) })
  assert.deepEqual(
    signed().map(({ value }) => value),
    ['0x1'],
  )
  assert.equal((await status(id)).status, 100)
  const asked = await calling(t, { yes: false })
  await assert.rejects(asked.send({ calls: transfers.slice(0, 1) }), { code: 4001 }, 'but confirmCalls is asked')
  assert.deepEqual(asked.signed(), [])
})
