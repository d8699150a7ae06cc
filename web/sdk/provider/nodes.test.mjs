// Tests of the nodes: which one is asked, with what, and when another one is asked instead.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { A0, connected, fakeNode, HASH, nodesTime, page, TO, until } from '../testdata/fakewallet.js'

const RAW = `0x02${'cd'.repeat(40)}`
const fail =
  (code, message = 'no', data) =>
  () => {
    throw { code, message, ...(data && { data }) }
  }
/** http makes a reply with an HTTP status, and a JSON-RPC error or any text as the body. */
const http = (status, body) => (response, id) =>
  response.writeHead(status).end(typeof body === 'string' ? body : JSON.stringify({ jsonrpc: '2.0', id, ...body }))
const error = (code, message) => ({ error: { code, message } })

/** two makes a page with two nodes of chain 1. */
async function two(t, first, second, options) {
  const nodes = [await fakeNode(t, first), await fakeNode(t, second)]
  const it = await connected(t, { chains: [{ chainId: 1, rpcUrls: nodes.map(({ url }) => url) }], ...options, node: nodes[0] })
  it.device.calls.length = 0
  return { ...it, nodes, one: nodes[0], two: nodes[1], signed: () => it.device.calls.filter(([name]) => name === 'signTransaction') }
}

/** The ways in which a node says "not me": it took nothing. */
const refused = [
  ...[401, 402, 403, 404, 410, 429].map((status) => http(status, '<html>')),
  http(403, ''),
  // What a gateway says does not matter then.
  ...[401, 402, 403, 429].flatMap((status) =>
    [
      [-32000, 'insufficient balance'],
      [-32000, 'invalid argument'],
      [3, 'execution reverted'],
    ].map(([code, message]) => http(status, error(code, message))),
  ),
  ...[401, 403, 429].flatMap((status) => [http(status, error(-32000, 'no')), http(status, error(-32600, 'Must be authenticated!'))]),
  http(429, error(-32005, 'daily request count exceeded, request rate limited')),
  ...[-32005, -32007, -32009, -32011, -32016, -32605, 401, 403, 429].map((code) => http(200, error(code, 'no'))),
  ...[
    [-32000, '429 Too Many Requests: over rate limit'],
    [-32000, 'Your app has exceeded its compute units per second capacity.'],
    [-32000, 'daily request count limit exceeded'],
    [-32600, 'Unauthorized: API key disabled'],
    [-32090, 'Too many requests, reason: call rate limit exhausted'],
    [-32005, 'daily request allowance exceeded'],
    [-32000, 'You have reached the maximum number of requests'],
    [-32000, 'insufficient API credits'],
    [-32000, "You've exceeded the RPS limit available on the current plan."],
    [-32000, 'reduce your requests per second'],
    [-33000, 'compute unit limit'],
    [35, 'ranges over 10000 blocks are not supported on freetier'],
    [-32000, 'Archive requests require a personal token'],
    [12, "Can't route your request to suitable provider"],
  ].map(([code, message]) => http(200, error(code, message))),
]

/** The ways in which a node fails, perhaps after it did what was asked. */
const troubles = [
  (response) => response.destroy(),
  ...[408, 500, 502, 503, 504, 520, 522].map((status) => http(status, '<html>')),
  http(502, ''),
  http(500, error(-32603, 'Internal error')),
  http(503, error(-32000, 'no backend')),
  http(200, ''),
  http(200, '[]'),
  http(200, 'null'),
  http(200, '<html>'),
  http(200, '{"jsonrpc":"2.0"'),
  http(200, {}),
  http(200, { id: 'other', result: '0x1' }),
  http(200, { id: null, result: '0x1' }),
  http(200, { error: 'rate limited' }),
  ...[-32001, -32002, -32014, -32046, -32603, 30, 503].map((code) => http(200, error(code, 'no'))),
  ...['header not found', 'missing trie node 5e0c', 'request timed out'].map((message) => http(200, error(-32000, message))),
  ...[
    'header for hash not found',
    'historical state 5e0c is not available',
    'unknown block',
    'block not found',
    'Block with such an ID is pruned',
    'context deadline exceeded',
    'dial tcp 10.0.0.1:8545: connect: connection refused',
    'upstream connect error or disconnect/reset before headers',
    'no backend is currently healthy to serve traffic',
    'Bad Gateway',
    'Internal server error',
    'node is not ready',
    'node is behind by 100 blocks',
  ].map((message) => http(200, error(-32000, message))),
  http(200, error(19, 'Temporary internal error. Please retry, trace-id: 5e0c')),
]

const refusals = [...refused, ...troubles]

test('an error about the node goes to the next address', async (t) => {
  const it = await two(t, {}, { eth_blockNumber: '0x10' })
  for (const reply of refusals) {
    for (const replies of [{ eth_blockNumber: reply }, { eth_chainId: reply }]) {
      it.one.replies = replies
      const before = it.one.asked.length
      assert.equal(await it.ask('eth_blockNumber').catch((error) => error.message), '0x10', String(reply))
      assert(it.one.asked.length > before, 'the first node was asked')
    }
  }
})

test('an error about the request is the answer, and no other node is asked', async (t) => {
  const it = await two(t, {}, { eth_call: '0x10' })
  for (const [code, message, data] of [
    [3, 'execution reverted', '0x08c379a0'],
    [3, 'execution reverted: rate limit exceeded'],
    [-32000, 'execution reverted: unauthorized'],
    [-32015, 'VM execution error.'],
    [-32603, 'Error: VM Exception while processing transaction: reverted with reason string "no"'],
    [-32000, 'insufficient funds for gas * price + value'],
    [-32000, 'nonce too low'],
    [-32010, 'Transaction nonce is too low. Try incrementing the nonce.'],
    [-32000, 'replacement transaction underpriced'],
    [-32000, 'already known'],
    [-32000, 'gas required exceeds allowance (21000)'],
    [-32000, 'exceeds block gas limit'],
    [-32000, 'gas limit reached'],
    [-32000, 'stack limit reached 1024 (1023)'],
    [-32000, 'insufficient balance for transfer'],
    [-32000, 'insufficient MaxFeePerGas for sender balance'],
    [-32000, 'max code size exceeded'],
    [-32000, 'filter not found'],
    [-32003, 'transaction rejected'],
    [-32602, 'invalid argument 0: hex string of odd length'],
    [-32602, 'missing value for required argument 1'],
    [-32601, 'the method eth_call does not exist/is not available'],
  ]) {
    it.one.answers.eth_call = fail(code, message, data)
    await assert.rejects(it.ask('eth_call', [{}]), { code, message, ...(data && { data }) })
  }
  assert.deepEqual(it.two.asked, [])
})

test('if no node can answer, the error is that of the last one', async (t) => {
  const it = await two(t)
  it.one.reply = (response) => response.destroy()
  it.two.replies.eth_blockNumber = http(429, error(-32005, 'slow down'))
  await assert.rejects(it.ask('eth_blockNumber'), { code: -32005, message: 'slow down' })
  it.two.replies.eth_blockNumber = http(401, 'no')
  await assert.rejects(it.ask('eth_blockNumber'), { code: -32603, data: { code: 'protocol', retryable: false } })
})

test('a node that did not answer in time is asked last for a while', async (t) => {
  const end = nodesTime(t)
  const it = await two(t, {}, { eth_blockNumber: '0x10', eth_gasPrice: fail(-32005, 'slow down') })
  let silent = 0
  it.one.reply = () => {
    silent++
    end()
  }
  assert.equal(await it.ask('eth_blockNumber'), '0x10')
  assert.equal(await it.ask('eth_blockNumber'), '0x10')
  assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH)
  assert.equal(silent, 1)
  it.one.reply = undefined
  assert.equal(await it.ask('eth_gasPrice'), '0x3b9aca00', 'it is asked if the others fail')
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_001 })
  it.one.answers.eth_blockNumber = '0x1'
  assert.equal(await it.ask('eth_blockNumber'), '0x1')
})

const sends = ({ nodes }) => nodes.map(({ asked }) => asked.filter(([method]) => method === 'eth_sendRawTransaction').length)

test('a signed transaction goes to the next node as the same bytes if a node refuses it, and is signed once', async (t) => {
  for (const reply of refused) {
    const it = await two(t)
    it.one.replies.eth_sendRawTransaction = reply
    assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]).catch((error) => error.message), HASH, String(reply))
    assert.equal(it.signed().length, 1)
    assert.deepEqual(
      it.nodes.map(({ asked }) => asked.filter(([method]) => method === 'eth_sendRawTransaction')),
      [[['eth_sendRawTransaction', [RAW]]], [['eth_sendRawTransaction', [RAW]]]],
    )
    assert.equal(await it.ask('eth_sendRawTransaction', [RAW]), HASH, "so does the dApp's own")
  }
})

test('a signed transaction that a node may have taken goes to another one only if the request is repeated', async (t) => {
  for (const reply of troubles) {
    const it = await two(t)
    it.one.replies.eth_sendRawTransaction = reply
    const error = await it.ask('eth_sendTransaction', [{ to: TO }]).catch((thrown) => thrown)
    assert.match(error.message ?? error, new RegExp(`may have been sent.*${HASH}`), String(reply))
    assert.deepEqual([error.data.hash, error.data.raw, error.data.retryable], [HASH, RAW, true])
    assert.deepEqual(sends(it), [1, 0], String(reply))
    await assert.rejects(it.ask('eth_sendRawTransaction', [RAW]))
    assert.deepEqual(sends(it), [2, 0], "nor does the dApp's own")
    assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH)
    assert.deepEqual([sends(it), it.signed().length], [[3, 1], 1])
  }
})

test('a transaction behind one that a node may have taken does not bring it to another node', async (t) => {
  const it = await two(t, {}, { eth_sendRawTransaction: HASH })
  it.one.replies.eth_sendRawTransaction = http(502, '')
  await assert.rejects(it.ask('eth_sendTransaction', [{ to: TO }]))
  await assert.rejects(it.ask('eth_sendTransaction', [{ to: TO, value: '0x1' }]))
  assert.deepEqual(sends(it), [3, 0])
})

test('a signed transaction that a node objects to does not go to another node', async (t) => {
  for (const message of ['insufficient funds for gas * price + value', 'nonce too low', 'intrinsic gas too low', 'invalid sender']) {
    const it = await two(t, { eth_sendRawTransaction: fail(-32000, message) })
    await assert.rejects(
      it.ask('eth_sendTransaction', [{ to: TO }]),
      (thrown) => thrown.code === -32000 && thrown.message.startsWith(message),
    )
    assert(!it.two.methods().includes('eth_sendRawTransaction'))
  }
})

test('a signed transaction does not go to a node of another chain', async (t) => {
  const it = await two(t, {}, { eth_chainId: '0x2' })
  it.one.replies.eth_sendRawTransaction = http(429, error(-32005, 'slow down'))
  await assert.rejects(it.ask('eth_sendTransaction', [{ to: TO }]))
  assert.deepEqual([...new Set(it.two.methods())], ['eth_chainId'], 'nor is it asked for the hash')
})

test('a node that is down when a transaction is sent is passed over', async (t) => {
  const it = await two(t)
  it.device.signTransaction = () => {
    it.one.reply = (response) => response.destroy()
    return { raw: RAW, hash: HASH }
  }
  assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH)
  assert.equal(await it.ask('eth_sendRawTransaction', [RAW]), HASH)
  assert.deepEqual(sends(it), [0, 2])
})

test('no method that sends something is repeated at another node', async (t) => {
  const methods = ['eth_sendRawTransactionSync', 'eth_sendRawTransactionConditional', 'eth_sendPrivateTransaction', 'eth_sendBundle']
  for (const method of [...methods, 'mev_sendBundle', 'eth_sendUserOperation', 'pimlico_sendCompressedUserOperation']) {
    const it = await two(t, {}, { [method]: '0x2' })
    it.one.replies[method] = http(502, '')
    await assert.rejects(it.ask(method, ['0x00']), { code: -32603 }, method)
    assert(!it.two.methods().includes(method))
    it.one.replies[method] = http(429, '')
    assert.equal(await it.ask(method, ['0x00']), '0x2')
  }
})

test('nonce, gas and fee come from one node, which confirmed the chain', async (t) => {
  const methods = ['eth_getTransactionCount', 'eth_estimateGas', 'eth_feeHistory', 'eth_maxPriorityFeePerGas']
  const failures = [
    (response) => response.destroy(),
    http(502, '<html>'),
    http(429, error(-32005, 'slow down')),
    http(200, { result: ['x'] }),
  ]
  for (const method of methods) {
    for (const failure of failures) {
      if (method === 'eth_feeHistory' && failure === failures.at(-1)) continue // it says nothing, and the block decides
      // The second node is on another chain.
      let it = await two(t, {}, { eth_chainId: '0x2', eth_getTransactionCount: '0x63' })
      it.one.replies[method] = failure
      await assert.rejects(it.ask('eth_sendTransaction', [{ to: TO }]), { code: 4901, message: /node is on chain 2/ })
      assert.deepEqual([it.signed(), it.two.methods()], [[], ['eth_chainId']], method)

      // The second node is right: everything comes from it, and the transaction goes to it.
      const answers = { eth_getTransactionCount: '0x63', eth_estimateGas: '0x186a0', eth_maxPriorityFeePerGas: '0x77' }
      it = await two(t, { eth_maxPriorityFeePerGas: '0x1' }, { ...answers, eth_feeHistory: { baseFeePerGas: ['0x1000'] } })
      it.one.replies[method] = failure
      assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH, method)
      const { nonce, gas, maxFeePerGas, maxPriorityFeePerGas } = it.signed()[0][1]
      assert.deepEqual([nonce, gas, maxFeePerGas, maxPriorityFeePerGas], ['0x63', '0x1e848', '0x2077', '0x77'], method)
      assert.equal(it.two.methods()[0], 'eth_chainId')
      assert.deepEqual(
        it.nodes.map((node) => node.methods().includes('eth_sendRawTransaction')),
        [false, true],
      )
    }
  }
})

test('a node on another chain is passed over, and its answers to the site as well', async (t) => {
  const it = await two(t, { eth_chainId: '0x2', eth_blockNumber: '0xbad' }, { eth_blockNumber: '0x10' })
  assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH)
  assert.deepEqual(it.one.methods(), ['eth_chainId'])
  assert.equal(await it.ask('eth_blockNumber'), '0x10')
  it.one.answers.eth_chainId = '0x1'
  assert.equal(await it.ask('eth_sendTransaction', [{ to: TO }]), HASH)
  assert.equal(await it.ask('eth_blockNumber'), '0xbad', 'it is asked again, since a node may be repaired')
})

test('a node is asked for its chain before its answers reach the site, if there is another', async (t) => {
  const it = await two(t, { eth_blockNumber: fail(-32005) }, { eth_chainId: '0x2', eth_blockNumber: '0xbad', eth_gasPrice: '0xbad' })
  await assert.rejects(it.ask('eth_blockNumber'), { code: 4901, message: /on chain 2/ })
  it.one.replies.eth_gasPrice = http(503, '')
  await assert.rejects(it.ask('eth_gasPrice'), { data: { code: 'protocol', retryable: true } }, 'it is not asked any more')
  assert.deepEqual(it.two.methods(), ['eth_chainId'])
  const right = await two(t, { eth_blockNumber: '0x10' })
  assert.equal(await right.ask('eth_blockNumber'), '0x10')
  assert.equal(await right.ask('eth_blockNumber'), '0x10')
  assert.deepEqual(right.one.methods(), ['eth_chainId', 'eth_blockNumber', 'eth_blockNumber'], 'once, until it fails')
  assert.deepEqual(right.two.asked, [])
  const unnamed = await two(t, { eth_blockNumber: fail(-32005) }, { eth_chainId: fail(-32601), eth_blockNumber: '0x10' })
  assert.equal(await unnamed.ask('eth_blockNumber'), '0x10', 'a node that does not know the method')
})

test('a chain is added if one of its nodes confirms it', async (t) => {
  const [down, wrong, ten] = [await fakeNode(t), await fakeNode(t, { eth_chainId: '0x5' }), await fakeNode(t, { eth_chainId: '0xa' })]
  down.reply = http(503, '')
  const { ask } = await page(t)
  const add = (...nodes) => ask('wallet_addEthereumChain', [{ chainId: '0xa', rpcUrls: nodes.map(({ url }) => url) }])
  await assert.rejects(add(down, wrong), { code: -32602, message: /another chain/ })
  assert.equal(await add(down, wrong, ten), null)
})

test('requests carry the headers of their node, and no others', async (t) => {
  const secret = 'Bearer s3cret-token'
  const [one, other] = [await fakeNode(t, { eth_blockNumber: '0x10' }), await fakeNode(t, { eth_blockNumber: '0x20' })]
  for (const headers of [
    { Authorization: secret, 'X-Team': 'a' },
    new Headers({ Authorization: secret, 'X-Team': 'a' }),
    [
      ['authorization', secret],
      ['x-team', 'a'],
    ],
  ]) {
    const rpcUrls = [{ url: one.url, headers: headers }, other.url]
    const { ask } = await page(t, { node: one, chains: [{ chainId: 1, rpcUrls }] })
    one.reply = undefined
    await ask('eth_blockNumber')
    assert.deepEqual([one.headers.authorization, one.headers['x-team'], one.headers['content-type']], [secret, 'a', 'application/json'])
    one.reply = http(503, '')
    assert.equal(await ask('eth_blockNumber'), '0x20')
    assert.deepEqual([other.headers.authorization, other.headers['x-team']], [undefined, undefined])
  }
  const { ask } = await page(t, { node: one, chains: [{ chainId: 1, rpcUrls: [{ url: one.url, headers: { 'Content-Type': 'text/x' } }] }] })
  one.reply = undefined
  await ask('eth_blockNumber')
  assert.equal(one.headers['content-type'], 'application/json')
})

test('a user name and a password in an address are sent as a header', async (t) => {
  const node = await fakeNode(t, { eth_blockNumber: '0x10' })
  const { ask } = await page(t, { node, chains: [{ chainId: 1, rpcUrls: [node.url.replace('//', '//me:p%40ss@')] }] })
  assert.equal(await ask('eth_blockNumber'), '0x10')
  assert.equal(node.headers.authorization, `Basic ${btoa('me:p@ss')}`)
})

test('no error contains what the headers say', async (t) => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const warned = []
  t.mock.method(console, 'warn', (...args) => warned.push(args))
  t.mock.method(console, 'error', (...args) => warned.push(args))
  const node = await fakeNode(t)
  const secret = 's3cret-token'
  const { ask } = await page(t, {
    node,
    chains: [{ chainId: 1, rpcUrls: [{ url: node.url, headers: { Authorization: `Bearer ${secret}` } }] }],
  })
  for (const reply of [
    (response) => response.destroy(),
    http(401, `no such token: ${secret}`),
    http(401, { error: { code: -32600, message: `Bearer ${secret} is unknown`, data: { token: secret } } }),
    http(200, { error: { code: -32000, message: `bad ${secret}` } }),
  ]) {
    node.reply = (response, body) => reply(response, JSON.parse(body).id)
    const thrown = await ask('eth_blockNumber').catch((error) => error)
    assert(thrown instanceof Error)
    assert.doesNotMatch(inspect(thrown, { depth: 9, showHidden: true }) + JSON.stringify(thrown.data ?? ''), /s3cret|secret-key/)
  }
  for (const headers of [
    { 'X-A': `${secret}\r\nX-B: 1` },
    { 'X A': secret },
    { '': secret },
    { 'X-A': `${secret}\u1234` },
    secret,
    [[secret]],
    5,
  ]) {
    assert.throws(
      () => createProvider({ chains: [{ chainId: 1, rpcUrls: [{ url: node.url, headers }] }] }),
      (error) => error.code === 'invalid-argument' && !inspect(error, { depth: 9 }).includes('s3cret'),
      inspect(headers),
    )
  }
  assert.deepEqual(warned, [])
})

test('a node with headers that redirects has failed, so that no other host gets them', async (t) => {
  const elsewhere = await fakeNode(t, { eth_blockNumber: '0xbad' })
  const moved = createServer((_, response) => response.writeHead(308, { Location: elsewhere.url }).end())
  await new Promise((resolve) => moved.listen(0, '127.0.0.1', resolve))
  t.after(() => (moved.close(), moved.closeAllConnections()))
  const url = `http://127.0.0.1:${moved.address().port}/`
  const { ask } = await page(t, { chains: [{ chainId: 1, rpcUrls: [{ url, headers: { 'X-API-Key': 'secret' } }] }] })
  await assert.rejects(ask('eth_blockNumber'), { data: { code: 'node-unreachable', retryable: true } })
  assert.equal(elsewhere.headers, undefined)
})

test('requests have the referrer and the cookies that browsers send by default', async (t) => {
  const { fetch } = globalThis
  t.after(() => (globalThis.fetch = fetch))
  const { ask, node } = await page(t)
  node.answers.eth_blockNumber = '0x10'
  await ask('eth_blockNumber')
  const asked = []
  globalThis.fetch = (url, options) => (asked.push(options), fetch(url, options))
  await ask('eth_blockNumber')
  assert.deepEqual(
    asked.map(({ referrerPolicy, credentials }) => [referrerPolicy, credentials]),
    [['strict-origin-when-cross-origin', 'same-origin']],
  )
})

/** at runs a function as if it were called on that page, or in that worker. */
async function at(where, run) {
  const before = Object.getOwnPropertyDescriptor(globalThis, 'location')
  Object.defineProperty(globalThis, 'location', { value: new URL(where.worker ?? where.page), configurable: true })
  if (where.base) globalThis.document = { baseURI: where.base }
  try {
    return await run()
  } finally {
    delete globalThis.location
    if (before) Object.defineProperty(globalThis, 'location', before)
    delete globalThis.document
  }
}

test('a relative address is resolved against the page or the worker', async (t) => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const node = await fakeNode(t, { eth_blockNumber: '0x10' })
  const { origin } = new URL(node.url)
  const urls = []
  const { fetch } = globalThis
  t.after(() => (globalThis.fetch = fetch))
  const asks = async (rpcUrl) => {
    const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: [rpcUrl] }] })
    return provider.request({ method: 'eth_blockNumber' })
  }
  await asks(node.url) // loads the engine
  globalThis.fetch = (url, options) => (String(url).startsWith(origin) && urls.push(String(url)), fetch(url, options))
  for (const [where, address, url] of [
    [{ page: `${origin}/app/index.html` }, '/rpc/1', '/rpc/1'],
    [{ page: `${origin}/app/index.html` }, './rpc/1', '/app/rpc/1'],
    [{ page: `${origin}/app/index.html` }, '../rpc/1', '/rpc/1'],
    [{ page: `${origin}/app/index.html`, base: `${origin}/base/` }, './rpc/1?key=a', '/base/rpc/1?key=a'],
    [{ page: `${origin}/app/index.html` }, node.url.replace('http:', ''), '/secret-key'],
    [{ worker: `${origin}/workers/w.js` }, '/rpc/1', '/rpc/1'],
    [{ page: `${origin}/app/` }, { url: '/rpc/1', headers: { 'X-A': 'b' } }, '/rpc/1'],
  ]) {
    assert.equal(await at(where, () => asks(address)), '0x10')
    assert.equal(urls.at(-1), origin + url)
  }
  // What is not an address of a site is no relative address either.
  for (const address of ['rpc/1', 'node.example', '?rpc', '', ' /rpc', '#', undefined, null, 5, {}, { url: 5 }]) {
    await at({ page: 'https://site.example/' }, () =>
      assert.throws(() => createProvider({ chains: [{ chainId: 1, rpcUrls: [address] }] }), { code: 'invalid-argument' }, String(address)),
    )
  }
  await at({ page: 'http://site.example/' }, () =>
    assert.throws(() => createProvider({ chains: [{ chainId: 1, rpcUrls: ['/rpc'] }] }), { code: 'invalid-argument', message: /https/ }),
  )
})

test('where there is no page, a relative address is an error that says so, once it is used', async () => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: ['/rpc/1'] }] }) // as on a server that renders the page
  await assert.rejects(provider.request({ method: 'eth_blockNumber' }), {
    code: -32602,
    message: /relative to a page.*\/rpc\/1|\/rpc\/1.*relative to a page/,
  })
})

test('plain http is for this machine, and with a warning for private networks', async (t) => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const warned = []
  t.mock.method(console, 'warn', (text) => warned.push(text))
  const create = (url, more) => createProvider({ chains: [{ chainId: 1, rpcUrls: [url], ...more }] })
  for (const host of ['localhost', 'a.localhost', '127.0.0.1', '127.9.9.9', '[::1]', '0x7f.1']) create(`http://${host}:8545/secret`)
  assert.deepEqual(warned, [])
  for (const host of ['10.0.0.1', '10.255.1.2', '172.16.0.1', '172.31.255.255', '192.168.1.20', 'nas.local', '[fd00::1]', '[fe80::1]']) {
    create(`http://${host}:8545/secret`)
    assert.match(warned.splice(0).join(), /without encryption/)
    create('https://node.example', { webSocketUrl: `ws://${host}:8546/secret` })
    const [text, ...others] = warned.splice(0)
    assert.deepEqual(others, [])
    assert(text.includes(host) && !text.includes('secret'), text)
  }
  for (const host of [
    'node.example',
    '11.0.0.1',
    '172.15.0.1',
    '172.32.0.1',
    '192.169.0.1',
    '10.evil.example',
    '10.0.0.1.evil.example',
    '169.254.169.254',
    'local',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'xlocalhost',
    '[2001:db8::1]',
    '[fdx.local',
    '0.0.0.0',
    'user@node.example',
  ]) {
    assert.throws(() => create(`http://${host}`), { code: 'invalid-argument' }, host)
    assert.throws(() => create('https://node.example', { webSocketUrl: `ws://${host}` }), { code: 'invalid-argument' }, host)
  }
  assert.deepEqual(warned, [])
})

test('a node that never answers holds up no signature that needs no node', async (t) => {
  const it = await connected(t)
  const silent = []
  it.node.reply = (response) => silent.push(response)
  const controller = new AbortController()
  const { signal } = controller
  setTimeout(() => controller.abort(), 20_000).unref()
  let pending = 2
  const settled = ['eth_sendTransaction', 'eth_signTransaction'].map((method) =>
    it.ask(method, [{ to: TO }], { signal }).catch(() => pending--),
  )
  await until(() => silent.length > 0)
  await it.ask('personal_sign', ['0x00', A0])
  await it.ask('eth_signTypedData_v4', [
    A0,
    { types: { EIP712Domain: [], A: [{ name: 'a', type: 'string' }] }, primaryType: 'A', domain: {}, message: { a: '' } },
  ])
  const whole = { to: TO, nonce: '0x1', gas: '0x5208', chainId: '0x1' }
  const fees = { maxFeePerGas: '0x64', maxPriorityFeePerGas: '0x1' }
  const accessList = [{ address: TO, storageKeys: [] }]
  for (const tx of [
    { ...whole, ...fees },
    { ...whole, ...fees, accessList },
    { ...whole, gasPrice: '0x64' },
    { ...whole, gasPrice: '0x64', accessList },
    { ...whole, ...fees, authorizationList: [{ chainId: 1, address: TO, nonce: '0x0', yParity: '0x1', r: '0x1', s: '0x2' }] },
  ]) {
    assert.equal(await it.ask('eth_signTransaction', [tx]), RAW)
    assert.equal(it.device.calls.at(-1)[1].nonce, '0x1')
  }
  assert.equal(silent.length, 1, 'the node was not asked for any of them')
  assert.equal(pending, 2, 'both still wait for the node')
  controller.abort()
  await Promise.all(settled)
})

test('a node that never answers holds up no transaction of another chain', async (t) => {
  const [one, ten] = [await fakeNode(t), await fakeNode(t, { eth_chainId: '0xa' })]
  const it = await connected(t, {
    node: one,
    chains: [
      { chainId: 1, rpcUrls: [one.url] },
      { chainId: 10, rpcUrls: [ten.url] },
    ],
  })
  let asked
  one.reply = () => (asked = true)
  const controller = new AbortController()
  const { signal } = controller
  setTimeout(() => controller.abort(), 20_000).unref()
  const waiting = it.ask('eth_sendTransaction', [{ to: TO }], { signal }).catch((error) => error)
  await until(() => asked)
  await it.ask('wallet_switchEthereumChain', [{ chainId: '0xa' }])
  assert.equal(await Promise.race([it.ask('eth_sendTransaction', [{ to: TO }]), waiting]), HASH)
  controller.abort()
  await waiting
})
