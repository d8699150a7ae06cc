// What a broker does for batches of calls and for the journal beside signing: it shows a status, and forgets a test chain.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A, A0, broker, LOCAL, TO, until } from './testdata/world.js'
import { fakeNode } from '../sdk/testdata/fakewallet.js'

const code = (number, reason) => (error) => {
  assert.deepEqual([error.code, reason && error.data.code], [number, reason], error.message)
  return true
}
const hashOf = (nonce) => `0x${Number(nonce).toString(16).padStart(64, '0')}`
const mined = { status: '0x1', blockHash: hashOf(1), blockNumber: '0x1', gasUsed: '0x1', logs: [] }
const calls = {
  version: '2.0.0',
  chainId: '0x1',
  from: A0,
  atomicRequired: false,
  id: 'batch',
  calls: [1, 2].map((n) => ({ to: TO, value: `0x${n}` })),
}

/** world starts a broker with a site on this computer, a device whose hashes tell the nonces, and a node. */
async function world(t) {
  const node = await fakeNode(t, {
    eth_sendRawTransaction: (raw) => hashOf(`0x${raw.slice(4)}`),
    eth_getTransactionReceipt: null,
    eth_simulateV1: null,
  })
  const it = await broker(t, { node })
  it.device.signTransaction = (tx) => ({
    raw: `0x02${Number(tx.nonce).toString(16).padStart(6, '0')}`,
    hash: hashOf(tx.nonce),
    from: tx.from,
  })
  const a = it.site(LOCAL)
  await a.ask('eth_requestAccounts')
  const signed = () => it.device.calls.filter(([name]) => name === 'signTransaction').map(([, tx]) => Number(tx.nonce))
  return { ...it, node, a, signed }
}

test('a look at the status of a batch makes up for no rejection', async (t) => {
  const { a, node, user } = await world(t)
  await a.ask('wallet_sendCalls', [calls])
  node.answers.eth_getTransactionReceipt = () => null
  for (let i = 0; i < 3; i++) {
    user.answer = () => ({ yes: false })
    await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4001))
    user.answer = () => ({ yes: true })
    await a.ask('wallet_showCallsStatus', ['batch'])
  }
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), (error) => error.code === 4001 && error.data.reason === 'rejected-often')
})

test('the status of a batch is shown on the screen, to the site that has the batch and a permission', async (t) => {
  const { a, node, site, shown, user, signed, broker: made } = await world(t)
  await a.ask('wallet_sendCalls', [calls])
  node.answers.eth_getTransactionReceipt = (hash) => (hash === hashOf(7) ? { transactionHash: hash, ...mined } : null)
  const [before, settled] = [signed().length, shown.settled.length]
  // It is in the queue while it is shown, and it is over however the user closes it.
  for (const close of [() => ({ yes: true }), () => ({ yes: false }), () => Promise.reject(new Error('the window was closed'))]) {
    let queued
    user.answer = () => {
      queued = made.state.queue.map(({ method }) => method)
      return close()
    }
    assert.equal(await a.ask('wallet_showCallsStatus', ['batch']), null)
    assert.deepEqual(queued, ['wallet_showCallsStatus'])
    const { origin, what } = shown.asked.at(-1)
    assert.equal(origin, LOCAL)
    assert.deepEqual([what.kind, what.status, what.total, what.chain.id], ['calls-status', 100, 2, 1])
    assert.deepEqual(what.receipts, [{ status: '0x1', transactionHash: hashOf(7) }])
  }
  assert.deepEqual(shown.settled.slice(settled), [['calls-status', { done: true }]])
  // A site that does not want it any more closes it.
  user.answer = (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const running = a.begin('wallet_showCallsStatus', ['batch'])
  await until(() => shown.showing === 1)
  running.cancel()
  await assert.rejects(running.answer, code(-32603, 'aborted'))
  await until(() => shown.showing === 0 && made.state.queue.length === 0)

  user.answer = () => ({ yes: true })
  const asked = shown.asked.length
  await assert.rejects(a.ask('wallet_showCallsStatus', ['another']), code(5730))
  await assert.rejects(site(A).ask('wallet_showCallsStatus', ['batch']), code(5730))
  await made.revoke(LOCAL)
  await assert.rejects(a.ask('wallet_showCallsStatus', ['batch']), code(4100))
  assert.equal(shown.asked.length, asked)
  assert.equal(signed().length, before)
  assert.deepEqual(
    made.state.activity.map(({ kind }) => kind),
    ['calls', 'calls'],
    'a status is no activity',
  )
})

test('a site has the transactions of a test chain forgotten, and no other site’s', async (t) => {
  const { a, site, signed } = await world(t)
  const b = site('http://127.0.0.1:5174')
  await b.ask('eth_requestAccounts')
  const pay = (value) => ['eth_sendTransaction', [{ from: A0, to: TO, value }]]
  await a.ask(...pay('0x1'))
  await b.ask(...pay('0x2'))
  await a.ask(...pay('0x3'))
  assert.deepEqual(signed(), [7, 8, 9])
  assert.equal(await a.ask('imkey_forgetTransactions'), null)
  await a.ask(...pay('0x4'))
  assert.deepEqual(signed(), [7, 8, 9, 9], 'the nonce of the other site is still taken')
  assert.equal(await b.ask('imkey_forgetTransactions'), null)
  assert.equal(await a.ask('imkey_forgetTransactions'), null)
  await b.ask(...pay('0x5'))
  assert.deepEqual(signed(), [7, 8, 9, 9, 7])
  await assert.rejects(a.ask('imkey_forgetTransactions', [1]), code(-32602))
  const chain = { chainId: 3, rpcUrls: ['https://node.example'], nativeCurrency: { symbol: 'ETH', decimals: 18 } }
  await assert.rejects(a.ask('imkey_forgetTransactions', [], { chain }), code(-32602))
  await assert.rejects(a.ask('imkey_moveBinding', []), code(4200))
})
