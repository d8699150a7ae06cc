// Tests of subscriptions over a WebSocket: reconnection, limits, and nodes that lie.
import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'node:test'
import { fakeNode, page, until } from '../testdata/fakewallet.js'
import { socketNode } from '../testdata/fakesocket.js'

/** subscribing makes a page whose chain has a WebSocket. eth_subscribe gives 0x1, 0x2, … on each connection. */
async function subscribing(t, answers, options) {
  const socket = await socketNode(t, { eth_subscribe: (_, connection) => `0x${++connection.ids}`, ...answers })
  const http = await fakeNode(t)
  const it = await page(t, {
    node: http,
    chains: [
      { chainId: 1, rpcUrls: [http.url], webSocketUrl: socket.url },
      { chainId: 2, rpcUrls: [http.url] },
    ],
    ...options,
  })
  t.after(() => it.ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])) // ends all subscriptions
  const results = () =>
    it.events('message').flatMap(({ type, data }) => (type === 'eth_subscription' ? [[data.subscription, data.result]] : []))
  const states = () =>
    it.events('message').flatMap(({ type, data }) => (type === 'imkey_subscription' ? [[data.subscription, data.state]] : []))
  return { ...it, socket, results, states, last: () => socket.connections.at(-1) }
}

test('a lost connection is made again, and the subscription goes on under its id', async (t) => {
  const { ask, socket, results, states, last } = await subscribing(t)
  assert.deepEqual([await ask('eth_subscribe', ['newHeads']), await ask('eth_subscribe', ['logs', { address: '0x00' }])], ['0x1', '0x2'])
  last().push('0x1', 'a')
  last().push('0x2', 'b')
  await until(() => results().length === 2)
  assert.deepEqual(states(), [])

  // The node numbers from 1 again, and in another order.
  socket.answers.eth_subscribe = ([kind]) => (kind === 'logs' ? '0x1' : '0x2')
  last().drop()
  await until(() => states().length === 4)
  assert.deepEqual(states().slice(0, 2), [
    ['0x1', 'lost'],
    ['0x2', 'lost'],
  ])
  assert.deepEqual(new Set(states().slice(2).map(String)), new Set(['0x1,resumed', '0x2,resumed']))
  assert.equal(socket.connections.length, 2)
  assert.deepEqual(last().asked, [
    ['eth_chainId', []],
    ['eth_subscribe', ['newHeads']],
    ['eth_subscribe', ['logs', { address: '0x00' }]],
  ])
  last().push('0x1', 'c')
  last().push('0x2', 'd')
  await until(() => results().length === 4)
  assert.deepEqual(results().slice(2), [
    ['0x2', 'c'],
    ['0x1', 'd'],
  ])

  // A new subscription gets an id that the dApp does not hold, even if the node gives one that it does.
  socket.answers.eth_subscribe = () => '0x3'
  assert.equal(await ask('eth_subscribe', ['newHeads']), '0x3')
  assert.equal(await ask('eth_unsubscribe', ['0x1']), true)
  await until(() => last().asked.at(-1)[0] === 'eth_unsubscribe')
  assert.deepEqual(last().asked.at(-1)[1], ['0x2'], "the node's id")
  last().push('0x2', 'e')
  last().push('0x1', 'f')
  await until(() => results().length === 5)
  assert.deepEqual(results().at(-1), ['0x2', 'f'])
})

test('a node may give the id of another subscription after a reconnection', async (t) => {
  const { ask, socket, results, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  socket.answers.eth_subscribe = () => '0x9'
  last().drop()
  await until(() => states().length === 2)
  socket.answers.eth_subscribe = () => '0x1' // which the dApp holds for newHeads
  const second = await ask('eth_subscribe', ['logs', {}])
  assert.match(second, /^0x[0-9a-f]{32}$/)
  last().push('0x1', 'logs')
  last().push('0x9', 'heads')
  await until(() => results().length === 2)
  assert.deepEqual(results(), [
    [second, 'logs'],
    ['0x1', 'heads'],
  ])
})

test('a message directly behind the id arrives', async (t) => {
  const { ask, results } = await subscribing(t, {
    eth_subscribe: (_, connection) => {
      queueMicrotask(() => connection.push('0x1', 'first'))
      return '0x1'
    },
  })
  await ask('eth_subscribe', ['newHeads'])
  await until(() => results().length === 1)
  assert.deepEqual(results(), [['0x1', 'first']])
})

test('eth_unsubscribe while there is no connection succeeds, and nothing is subscribed again', async (t) => {
  const { ask, socket, states, last } = await subscribing(t)
  const ids = [await ask('eth_subscribe', ['newHeads']), await ask('eth_subscribe', ['logs', {}])]
  last().drop()
  await until(() => states().length === 2)
  assert.equal(await ask('eth_unsubscribe', [ids[0]]), true)
  await until(() => states().length === 3)
  assert.deepEqual(states().at(-1), [ids[1], 'resumed'])
  assert.deepEqual(last().asked.slice(1), [['eth_subscribe', ['logs', {}]]])

  last().drop()
  await until(() => states().length === 4)
  assert.equal(await ask('eth_unsubscribe', [ids[1]]), true)
  await sleep(1500)
  assert.equal(socket.connections.length, 2, 'without subscriptions there is no connection')
})

test('a server that drops every connection is asked less and less often', async (t) => {
  const { ask, socket, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  socket.drops = true
  last().drop()
  await sleep(5000)
  const [first, ...others] = socket.connections.slice(1).map(({ at }) => at)
  assert(others.length >= 1 && others.length <= 3, `${others.length + 1} attempts in 5 s`)
  assert(others[0] - first >= 900, 'the time doubles')
  assert.deepEqual(states(), [['0x1', 'lost']], 'told once')
  socket.drops = false
  await until(() => states().length === 2)
  assert.deepEqual(states().at(-1), ['0x1', 'resumed'])
})

test('a subscription that the node refuses to repeat ends, and the dApp is told', async (t) => {
  const { ask, socket, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  socket.answers.eth_subscribe = () => {
    throw { code: -32602, message: 'no such subscription' }
  }
  last().drop()
  await until(() => states().length === 2)
  assert.deepEqual(states().at(-1), ['0x1', 'ended'])
  await until(() => last().closed)
  assert.equal(socket.connections.length, 2)
})

test('a node that cannot answer now is asked again', async (t) => {
  const { ask, socket, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  socket.answers.eth_subscribe = () => {
    throw { code: -32005, message: 'slow down' }
  }
  last().drop()
  await until(() => socket.connections.length === 2 && last().closed)
  socket.answers.eth_subscribe = () => '0x5'
  await until(() => states().length === 2)
  assert.deepEqual(states(), [
    ['0x1', 'lost'],
    ['0x1', 'resumed'],
  ])
})

test('the node is asked for its chain on each connection, and another chain is not listened to', async (t) => {
  const it = await subscribing(t, { eth_chainId: () => '0x2' })
  await assert.rejects(it.ask('eth_subscribe', ['newHeads']), { code: 4901, message: /on chain 2/ })
  await until(() => it.last().closed)
  it.socket.answers.eth_chainId = () => '0x1'
  await it.ask('eth_subscribe', ['newHeads'])
  it.socket.answers.eth_chainId = () => '0x2'
  it.last().drop()
  await until(() => it.socket.connections.length === 3 && it.last().closed)
  it.last().push('0x1', 'of another chain')
  it.socket.answers.eth_chainId = () => {
    throw { code: -32601, message: 'a socket for subscriptions only' }
  }
  await until(() => it.states().at(-1)?.[1] === 'resumed')
  assert.deepEqual(it.results(), [])
})

test('a message of more than 8 MB ends the connection, and the subscription goes on', async (t) => {
  const { ask, socket, results, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  last().push('0x1', 'x'.repeat(7 << 20))
  await until(() => results().length === 1)
  last().push('0x1', 'x'.repeat(9 << 20))
  await until(() => states().length === 2)
  assert.deepEqual([results().length, socket.connections.length, socket.connections[0].closed], [1, 2, true])
  assert.deepEqual(states(), [
    ['0x1', 'lost'],
    ['0x1', 'resumed'],
  ])
})

test('there are at most 100 subscriptions', async (t) => {
  const { ask } = await subscribing(t)
  const all = await Promise.allSettled(Array.from({ length: 120 }, () => ask('eth_subscribe', ['newHeads'])))
  assert.equal(all.filter(({ status }) => status === 'fulfilled').length, 100)
  await assert.rejects(ask('eth_subscribe', ['newHeads']), { code: -32005, message: /eth_unsubscribe/ })
  await ask('eth_unsubscribe', ['0x1'])
  await ask('eth_subscribe', ['newHeads'])
})

test('a node that gives one id twice is not believed', async (t) => {
  const { ask } = await subscribing(t, { eth_subscribe: () => '0x1' })
  await ask('eth_subscribe', ['newHeads'])
  await assert.rejects(ask('eth_subscribe', ['logs', {}]), { code: -32603, data: { code: 'protocol', retryable: false } })
})

test('subscriptions end with their chain, and the dApp is told', async (t) => {
  const { ask, states, last } = await subscribing(t)
  await ask('eth_subscribe', ['newHeads'])
  await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  assert.deepEqual(states(), [['0x1', 'ended']])
  await until(() => last().closed)
})

test('a subscription that is aborted, or that the node does not answer, leaves nothing open', async (t) => {
  const hurried = await subscribing(t, { eth_subscribe: () => undefined }, { rpcTimeout: 1000 })
  await assert.rejects(hurried.ask('eth_subscribe', ['newHeads']), { code: -32603, data: { code: 'timeout', retryable: true } })
  await until(() => hurried.last().closed)
  const { ask, socket, last } = await subscribing(t, { eth_subscribe: () => undefined })
  const controller = new AbortController()
  const aborted = ask('eth_subscribe', ['newHeads'], { signal: controller.signal }).catch((error) => error.data)
  await until(() => socket.connections.length === 1)
  controller.abort()
  assert.deepEqual(await aborted, { code: 'aborted', retryable: true })
  await until(() => last().closed)
})

test('a relative webSocketUrl is resolved against the page', async (t) => {
  const { socket } = await subscribing(t, { eth_subscribe: () => '0x1' })
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  globalThis.location = new URL(socket.url.replace('ws:', 'http:'))
  t.after(() => delete globalThis.location)
  const provider = createProvider({
    chains: [
      { chainId: 1, rpcUrls: ['/rpc'], webSocketUrl: '/ws' },
      { chainId: 2, rpcUrls: ['/rpc'] },
    ],
  })
  assert.equal(await provider.request({ method: 'eth_subscribe', params: ['newHeads'] }), '0x1')
  await provider.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0x2' }] })
})

test('the params of all subscriptions are bounded together, and ending one gives room', async (t) => {
  const { ask } = await subscribing(t)
  const long = (size) => ask('eth_subscribe', ['logs', { address: `0x${'0'.repeat(size)}` }])
  const all = await Promise.allSettled(Array.from({ length: 5 }, () => long(60_000)))
  assert.deepEqual(
    all.map(({ status, reason }) => reason?.code ?? status),
    ['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled', -32005],
  )
  await assert.rejects(long(60_000), { code: -32005 })
  await ask('eth_subscribe', ['newHeads'])
  await ask('eth_unsubscribe', [all[0].value])
  await long(60_000)
})
