// The chains of a broker, whose nodes may be down, slow, on another chain than they should be, or lie.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeNode, nodesTime } from '../sdk/testdata/fakewallet.js'
import { A, A0, B, broker, HASH, LOCAL, SIGNATURE, TO, until } from './testdata/world.js'

const payment = { from: A0, to: TO, value: '0x5' }
const sent = (node) => node.methods().filter((method) => method === 'eth_sendRawTransaction').length
const signs = (device) => device.calls.filter(([name]) => name.startsWith('sign'))

const code = (number, reason) => (error) => {
  assert.equal(error.code, number, error.message)
  if (reason !== undefined) assert.equal(error.data?.code, reason)
  return true
}

/** two makes a broker whose chain 1 has two nodes, and a site that is connected. */
async function two(t, first, second) {
  const nodes = [await fakeNode(t, first), await fakeNode(t, second)]
  const made = await broker(t, { chains: [{ chainId: 1, rpcUrls: nodes.map(({ url }) => url) }] })
  const a = made.site(A)
  await a.ask('eth_requestAccounts')
  made.shown.asked.length = made.device.calls.length = 0
  return { ...made, a, one: nodes[0], two: nodes[1] }
}

/** unanswered checks that a payment fails before the user and the device are asked, and that what needs no node works. */
async function unanswered({ a, shown, device }, ...error) {
  await assert.rejects(a.ask('eth_sendTransaction', [payment]), code(...error))
  assert.deepEqual(shown.asked, [])
  assert.deepEqual(signs(device), [])
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
}

const downs = {
  'is down': (response) => response.destroy(),
  'answers with a page': (response) => response.writeHead(200, { 'Content-Type': 'text/html' }).end('<html>'),
  'answers 503': (response) => response.writeHead(503).end('busy'),
  'redirects': (response) => response.writeHead(307, { Location: 'http://127.0.0.1:1/' }).end(),
}
for (const [name, reply] of Object.entries(downs)) {
  test(`a node that ${name} is left for the next one, and without one the user is not asked`, async (t) => {
    const it = await two(t, {}, { eth_blockNumber: '0x22' })
    it.one.reply = reply
    assert.equal(await it.a.ask('eth_blockNumber'), '0x22')
    assert.equal(await it.a.ask('eth_sendTransaction', [payment]), HASH)
    assert.deepEqual([sent(it.one), sent(it.two), signs(it.device).length], [0, 1, 1])
    it.two.reply = reply
    it.shown.asked.length = it.device.calls.length = 0
    await unanswered(it, -32603)
  })
}

test('a node that answers too slowly is left for the next one, and without one the user is not asked', async (t) => {
  const end = nodesTime(t)
  const it = await two(t, {}, { eth_blockNumber: '0x22' })
  it.one.reply = end
  assert.equal(await it.a.ask('eth_blockNumber'), '0x22')
  assert.equal(await it.a.ask('eth_sendTransaction', [payment]), HASH)
  assert.deepEqual([sent(it.one), sent(it.two)], [0, 1])
  it.two.reply = end
  it.shown.asked.length = it.device.calls.length = 0
  await unanswered(it, -32603, 'timeout')
})

test('a slow node holds up no other site, and its answer counts when it comes', async (t) => {
  const it = await two(t)
  let answer
  it.one.answers.eth_estimateGas = () => new Promise((resolve) => (answer = resolve))
  const paid = it.a.ask('eth_sendTransaction', [payment])
  await until(() => answer)
  const b = it.site(B)
  await b.ask('eth_requestAccounts')
  assert.equal(await b.ask('personal_sign', ['hi', A0]), SIGNATURE)
  answer('0x7530')
  assert.equal(await paid, HASH)
  assert.equal(signs(it.device).at(-1)[1].gas, '0x927c', 'a quarter more')
})

test('a node on another chain is left for the next one, and without one the user is not asked', async (t) => {
  const it = await two(t, { eth_chainId: '0x5', eth_blockNumber: '0x11' }, { eth_blockNumber: '0x22' })
  assert.equal(await it.a.ask('eth_blockNumber'), '0x22')
  assert.equal(await it.a.ask('eth_sendTransaction', [payment]), HASH)
  assert.deepEqual([sent(it.one), sent(it.two)], [0, 1])
  it.two.answers.eth_chainId = '0x5'
  it.two.reply = downs['is down'] // it comes back as another one
  await assert.rejects(it.a.ask('eth_blockNumber'))
  it.two.reply = undefined
  it.shown.asked.length = it.device.calls.length = 0
  await unanswered(it, 4901)
})

test('a node that changes its chain gets no transaction', async (t) => {
  const it = await two(t)
  assert.equal(await it.a.ask('eth_sendTransaction', [payment]), HASH)
  it.device.signTransaction = () => {
    it.one.answers.eth_chainId = '0x5'
    return { raw: '0x02', hash: HASH }
  }
  await it.a.ask('eth_sendTransaction', [payment])
  assert.deepEqual([sent(it.one), sent(it.two)], [1, 1])
  for (const [, { chainId }] of signs(it.device)) assert.equal(chainId, '0x1')
})

for (const [name, lie] of Object.entries({
  'no number': 'Ethereum',
  'an object': { toString: 'no function' },
  'null': null,
  'nothing': undefined,
  'a number that is too long': `0x${'f'.repeat(100)}`,
  'a negative one': '-0x1',
})) {
  test(`a node whose chain id is ${name} is left for the next one`, async (t) => {
    const it = await two(t, { eth_chainId: () => lie, eth_blockNumber: '0x11' }, { eth_blockNumber: '0x22' })
    assert.equal(await it.a.ask('eth_blockNumber'), '0x22')
    assert.equal(await it.a.ask('eth_sendTransaction', [payment]), HASH)
    assert.deepEqual([sent(it.one), sent(it.two)], [0, 1])
  })
}

test('the screen names a chain by its id, whatever a site or a node calls it', async (t) => {
  const { site, node, shown } = await broker(t, { chains: false })
  const a = site(LOCAL)
  const facts = async (chainId, chainName, symbol = 'FAKE') => {
    node.answers.eth_chainId = `0x${chainId.toString(16)}`
    const chain = { chainId, chainName, rpcUrls: [node.url], nativeCurrency: { symbol, decimals: 18 } }
    await a.ask('eth_requestAccounts', [], { chain })
    assert.equal(
      await a.ask('eth_sendTransaction', [{ ...payment, data: `0x${chainName.length.toString(16).padStart(4, '0')}` }], { chain }),
      HASH,
    )
    const { name, known, nativeCurrency } = shown.asked.at(-1).what.chain
    return [name, known, nativeCurrency.symbol]
  }
  // A chain that the library knows has its own name and coin.
  assert.deepEqual(await facts(1, 'Testnet, worth nothing', 'TEST'), ['Ethereum', true, 'ETH'])
  assert.deepEqual(await facts(137, 'Ethereum', 'ETH'), ['Polygon', true, 'POL'])
  assert.deepEqual(await facts(11155111, 'Ethereum'), ['Sepolia', true, 'ETH'])
  // Another one has the site's words, which the screen marks as such.
  assert.deepEqual(await facts(54321, 'Ethereum', 'ETH'), ['Ethereum', false, 'ETH'])
  // Letters that change what stands beside them are no name.
  for (const name of ['Ethereum\u202e', 'Ether\neum', 'Ether\u200beum', '\u0000', 'Ethereum\u2028', '   \t']) {
    assert.deepEqual((await facts(54322, name)).slice(0, 2), [undefined, false], JSON.stringify(name))
  }
})

test('a site that names the id of a known chain with a node of another one reaches neither the user nor the device', async (t) => {
  const made = await broker(t)
  const a = made.site(LOCAL)
  await a.ask('eth_requestAccounts')
  const foreign = await fakeNode(t, { eth_chainId: '0x5' })
  made.shown.asked.length = made.device.calls.length = 0
  const add = (chainId, rpcUrls) =>
    a.ask('wallet_addEthereumChain', [
      { chainId, chainName: 'Ethereum', rpcUrls, nativeCurrency: { name: 'E', symbol: 'ETH', decimals: 18 } },
    ])
  // A chain that the wallet has keeps its nodes.
  await add('0x1', [foreign.url]).catch(code(-32602))
  assert.equal(await a.ask('eth_sendTransaction', [payment]), HASH)
  assert.equal(sent(foreign), 0)
  // For a chain that it has not, the node has to be on it.
  await assert.rejects(add('0x89', [foreign.url]), code(-32602))
  made.shown.asked.length = made.device.calls.length = 0
  const chain = { chainId: 137, rpcUrls: [foreign.url], nativeCurrency: { symbol: 'POL', decimals: 18 } }
  await assert.rejects(a.ask('eth_sendTransaction', [payment], { chain }), code(4901))
  assert.deepEqual([made.shown.asked, signs(made.device), sent(foreign)], [[], [], 0])
})
