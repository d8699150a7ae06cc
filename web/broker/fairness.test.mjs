// What one site cannot do to the others: make them wait for its nodes, or use up the room that all share.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A, A0, B, broker, held, LOCAL, SIGNATURE, site, TO, until } from './testdata/world.js'
import { fakeNode } from '../sdk/testdata/fakewallet.js'

const payment = { from: A0, to: TO, value: '0x5' }
const hashOf = (nonce) => `0x${Number(nonce).toString(16).padStart(64, '0')}`
const nonceOf = (raw) => `0x${raw.slice(4)}`

/** world starts a broker with two sites, a device whose hashes tell the nonces, and a node of the first site alone. */
async function world(t) {
  const answers = { eth_sendRawTransaction: (raw) => hashOf(nonceOf(raw)), eth_getTransactionReceipt: null, eth_simulateV1: null }
  const it = await broker(t, { node: await fakeNode(t, answers) })
  const own = await fakeNode(t, answers)
  it.device.signTransaction = (tx) => ({
    raw: `0x02${Number(tx.nonce).toString(16).padStart(6, '0')}`,
    hash: hashOf(tx.nonce),
    from: tx.from,
  })
  const [a, b] = [it.site(LOCAL), it.site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const chain = { chainId: 1, rpcUrls: [own.url], nativeCurrency: { symbol: 'ETH', decimals: 18 } }
  const signed = () => it.device.calls.filter(([name]) => name === 'signTransaction').map(([, tx]) => Number(tx.nonce))
  const shown = (kind) => it.shown.asked.filter(({ what }) => what.kind === kind)
  return { ...it, a, b, own, chain, signed, reviews: shown }
}

/** soon rejects if a promise does not settle within 5 seconds, which is far less than a node may take to answer. */
const soon = (promise, what) => {
  let timer
  const late = new Promise((_, reject) => (timer = setTimeout(() => reject(new Error(`it waits: ${what}`)), 5000)))
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

const calls = (more) => ({
  version: '2.0.0',
  chainId: '0x1',
  from: A0,
  atomicRequired: false,
  id: 'batch',
  calls: [1, 2, 3].map((n) => ({ to: TO, value: `0x${n}` })),
  ...more,
})

test('a node of a site that does not answer holds up no payment of another site', async (t) => {
  for (const [method, params] of [
    ['eth_sendTransaction', [payment]],
    ['eth_signTransaction', [payment]],
    ['wallet_sendCalls', [calls()]],
  ]) {
    for (const silent of ['eth_chainId', 'eth_estimateGas', 'eth_getTransactionCount', 'eth_sendRawTransaction']) {
      if (method === 'eth_signTransaction' && silent === 'eth_sendRawTransaction') continue
      const { a, b, own, chain, signed } = await world(t)
      const answer = held()
      own.answers[silent] = () => answer.promise
      const slow = a.begin(method, params, { chain })
      await until(() => own.methods().includes(silent))
      const before = signed().length
      await soon(b.ask('eth_sendTransaction', [{ ...payment, value: '0x7' }]), `${method}, ${silent}`)
      assert.equal(signed().length, before + 1)
      assert.equal(await soon(b.ask('personal_sign', ['hi', A0]), `${method}, ${silent}`), SIGNATURE)
      slow.cancel()
      answer.release('0x1')
    }
  }
})

test('a payment whose nonce another site took meanwhile is completed again before the user is asked', async (t) => {
  const { a, b, own, chain, signed, reviews, user } = await world(t)
  const hold = held()
  user.answer = ({ origin }) => (origin === B ? hold.promise : { yes: true })
  const first = b.ask('eth_sendTransaction', [{ ...payment, value: '0x7' }])
  await until(() => reviews('transaction').length === 1)
  const second = a.ask('eth_sendTransaction', [payment], { chain })
  await until(() => own.methods().includes('eth_feeHistory') && own.methods().includes('eth_getTransactionCount'))
  await new Promise((resolve) => setTimeout(resolve, 50)) // it is complete, and waits for its turn
  hold.release({ yes: true })
  assert.equal(await first, hashOf(7))
  assert.equal(await second, hashOf(8))
  assert.deepEqual(signed(), [7, 8])
  assert.deepEqual(
    reviews('transaction').map(({ origin, what }) => [origin, Number(what.transaction.nonce)]),
    [
      [B, 7],
      [LOCAL, 8],
    ],
    'the user sees each payment once, as it is signed',
  )
})

test('what another site had signed long ago and never sent does not stop a site', async (t) => {
  const { a, b, signed, reviews } = await world(t)
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  await a.ask('eth_signTransaction', [payment])
  t.mock.timers.tick(11 * 60_000)
  assert.equal(await soon(b.ask('eth_sendTransaction', [{ ...payment, value: '0x7' }]), 'the other site'), hashOf(7))
  assert.deepEqual(signed(), [7, 7])
  assert.equal(reviews('transaction').length, 2)
})

/** stopsAt gives the promise of a function's nth call, which then waits until release is called or its signal aborts. */
function stopsAt(n, device, go) {
  const reached = held()
  const hold = held()
  let count = 0
  const run = async (...args) => {
    if (++count !== n) return go(...args)
    reached.release()
    const { signal } = Object(args[1])
    const aborted = new Promise((_, reject) => signal?.addEventListener('abort', () => reject(device.error('aborted'))))
    await Promise.race([hold.promise, aborted])
    return go(...args)
  }
  return { run, reached: reached.promise, release: hold.release }
}

test('a batch gives its turn to others while its calls are sent, and asks once', async (t) => {
  const { a, b, own, chain, signed, reviews, shown, device } = await world(t)
  const node = stopsAt(1, undefined, own.answers.eth_sendRawTransaction)
  own.answers.eth_sendRawTransaction = node.run
  const batch = a.ask('wallet_sendCalls', [calls()], { chain })
  await node.reached
  assert.equal(await soon(b.ask('personal_sign', ['hi', A0]), 'a node of the other site'), SIGNATURE)
  node.release()
  assert.deepEqual(await batch, { id: 'batch' })
  assert.deepEqual(signed(), [7, 8, 9])
  assert.equal(reviews('calls').length, 1)
  const { id } = shown.asked.find(({ what }) => what.kind === 'calls')
  assert.deepEqual(
    shown.pauses,
    [1, 2].flatMap(() => [
      ['paused', id],
      ['resumed', id],
    ]),
  )
  assert.equal(device.most, 1)
  assert.equal(shown.most, 1)
})

test('a nonce that another site takes while a batch is sent is not signed twice, and the user sees the rest again', async (t) => {
  const { a, b, own, chain, signed, reviews } = await world(t)
  const node = stopsAt(1, undefined, own.answers.eth_sendRawTransaction)
  own.answers.eth_sendRawTransaction = node.run
  const batch = a.ask('wallet_sendCalls', [calls()], { chain })
  await node.reached
  await soon(b.ask('eth_sendTransaction', [{ ...payment, value: '0x7' }]), 'a node of the other site')
  node.release()
  assert.deepEqual(await batch, { id: 'batch' })
  assert.deepEqual(signed(), [7, 8, 9, 10])
  assert.deepEqual(
    reviews('calls').map(({ what }) => [what.first, what.calls.map(({ transaction }) => Number(transaction.nonce))]),
    [
      [1, [7, 8, 9]],
      [2, [9, 10]],
    ],
  )
})

test('a batch can be cancelled at each moment, by the user and by its site, and its status says what was sent', async (t) => {
  let cancelled = 0
  for (const who of ['user', 'site', 'page']) {
    for (const [moment, sent] of [
      ['screen', 0],
      ['device 1', 0],
      ['send 1', 1],
      ['device 2', 1],
      ['send 2', 2],
      ['device 3', 2],
    ]) {
      const { a, b, own, chain, signed, shown, user, device, broker: made, site } = await world(t)
      const [what, n] = moment.split(' ')
      const at = stopsAt(
        what === 'screen' ? 1 : Number(n),
        device,
        what === 'send' ? own.answers.eth_sendRawTransaction : device.signTransaction,
      )
      if (what === 'send') own.answers.eth_sendRawTransaction = at.run
      if (what === 'device') device.signTransaction = at.run
      const answers = user.answer
      if (what === 'screen') user.answer = stopsAt(1, device, answers).run
      const batch = a.begin('wallet_sendCalls', [calls()], { chain })
      await (what === 'screen' ? until(() => shown.showing === 1) : at.reached)
      if (who === 'user') made.cancel(shown.asked.at(-1).id)
      else if (who === 'site') batch.cancel()
      else a.gone()
      const told = `${who}, ${moment}`
      const asks = who === 'page' ? site(LOCAL) : a
      if (who !== 'page') {
        const answer = await soon(batch.answer, told).catch((error) => [error.code, error.data.code])
        assert.deepEqual(answer, sent > 0 ? { id: 'batch' } : who === 'user' ? [4001, 'user-rejected'] : [-32603, 'aborted'], told)
        assert.equal(a.counts.get(batch.id), 1, told)
      }
      assert.equal(await soon(b.ask('personal_sign', ['hi', A0]), told), SIGNATURE, told)
      at.release()
      await until(() => made.state.queue.length === 0 && device.inUse === 0 && device.open === 0)
      const mined = { status: '0x1', blockHash: hashOf(1), blockNumber: '0x1', gasUsed: '0x1', logs: [] }
      own.answers.eth_getTransactionReceipt = (hash) => ({ transactionHash: hash, ...mined })
      const raws = () => own.methods().filter((method) => method === 'eth_sendRawTransaction').length
      let status
      do status = await asks.ask('wallet_getCallsStatus', ['batch'], { chain }).catch(({ code }) => code)
      while (status.status === 100) // the node has just answered
      assert.deepEqual(sent > 0 ? [status.receipts.length, status.status] : status, sent > 0 ? [sent, 600] : 5730, told)
      assert.equal(raws(), sent, told)
      assert.equal(signed().length, what === 'device' ? Number(n) : sent, told)
      assert.equal(await soon(asks.ask('personal_sign', ['hi', A0]), told), SIGNATURE, told)
      cancelled++
    }
  }
  t.diagnostic(`${cancelled} batches were cancelled`)
})

const subdomain = (n) => `https://s${n}.evil.example`
const stranger = (n) => `https://s${n}.example`

test('no one locks another site out by ports: not with subdomains, nor with domains, nor with the frames of a tab', async (t) => {
  for (const [origin, most, place] of [
    [subdomain, 64, () => undefined],
    [stranger, 1, () => undefined],
    [stranger, 1, () => 'tab 1'],
    [subdomain, 64, (n) => `tab ${n % 2}`],
  ]) {
    const { broker: made } = await broker(t)
    const ports = []
    for (let n = 0; ports.length < 512; n++) for (let i = 0; i < most; i++) ports.push(site(made, origin(n), { place: place(n) }))
    assert.ok(ports.every(({ closedByBroker }) => !closedByBroker))
    const mine = site(made, A, { place: place(0) && 'tab 9' })
    assert.equal(await soon(mine.ask('eth_chainId'), 'a port'), '0x1')
    assert.equal(ports.filter(({ closedByBroker }) => closedByBroker).length, 1, 'the newest of the one who had the most is gone')
    // One who has more takes nothing from this one. Owners of 512 domains have no more than it.
    if (most > 1 || place(0)) for (let n = 0; n < 600; n++) site(made, origin(1000 + n), { place: place(0) })
    assert.equal(await soon(mine.ask('eth_chainId'), 'the same port'), '0x1')
    assert.equal(mine.closedByBroker, false)
  }
})

test('no one locks another site out by requests that wait for the user', async (t) => {
  for (const [origin, each, place] of [
    [subdomain, 16, () => undefined],
    [stranger, 1, () => undefined],
    [stranger, 1, () => 'tab 1'],
  ]) {
    const { broker: made, user } = await broker(t)
    user.answer = ({ origin }) => (origin === A ? { yes: true } : new Promise(() => {}))
    const theirs = []
    const ports = Array.from({ length: 64 / each }, (_, n) => site(made, origin(n), { place: place(n) }))
    for (const port of ports) for (let i = 0; i < each; i++) theirs.push(port.begin('wallet_requestPermissions', [{ eth_accounts: {} }]))
    await until(() => made.state.queue.length === 64)
    const mine = site(made, A, { place: place(0) && 'tab 9' })
    const asked = mine.begin('eth_requestAccounts')
    await until(() => made.state.queue.some(({ origin }) => origin === A))
    assert.equal(made.state.queue.length, 64)
    const [last] = await Promise.allSettled([soon(theirs.at(-1).answer, 'the newest')])
    assert.equal(last.reason.code, -32005)
    assert.equal(last.reason.data.retryable, true)
    if (each > 1 || place(0)) {
      for (let n = 0; n < 100; n++) ports.push(site(made, origin(1000 + n), { place: place(0) }))
      for (const port of ports.slice(-100)) port.begin('eth_requestAccounts')
      assert.equal(made.state.queue.length, 64)
      assert.ok(
        made.state.queue.some(({ origin }) => origin === A),
        'one who has more takes nothing from this one',
      )
    }
    for (const port of ports) port.gone()
    assert.deepEqual(await soon(asked.answer, 'the queue'), [A0])
  }
})

test('what the nodes of a site answer at once is bounded, and leaves room for other sites', async (t) => {
  const { a, b, own, node, chain } = await world(t)
  const megabyte = Buffer.alloc(1 << 20, 0x20)
  const open = []
  own.replies.eth_call = (response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' })
    for (let i = 0; i < 7; i++) response.write(megabyte)
    open.push(response)
  }
  const answers = []
  const all = Array.from({ length: 40 }, () => a.begin('eth_unknown_read', [], { chain }))
  own.replies.eth_unknown_read = own.replies.eth_call
  for (const each of all) each.answer.catch((error) => answers.push(error.code))
  await until(() => answers.length >= 31)
  assert.ok(
    answers.every((code) => code === -32005),
    answers.join(),
  )
  assert.ok(answers.length <= 39, 'the others are being read')
  node.replies.eth_call = (response, id) =>
    response.end(Buffer.concat([megabyte, megabyte, Buffer.from(JSON.stringify({ id, result: '0x2a' }))]))
  assert.equal(await soon(b.ask('eth_call', [{}]), 'the other site'), '0x2a')
  for (const response of open) response.end('{}')
  for (const each of all) await assert.rejects(each.answer)
  assert.equal(await soon(b.ask('eth_call', [{}]), 'the other site'), '0x2a')
  delete own.replies.eth_unknown_read
  own.answers.eth_unknown_read = '0x1'
  assert.equal(await a.ask('eth_unknown_read', [], { chain }), '0x1', 'the site itself goes on')
})
