// Tests of nonces and of what happens after a signature: no payment is lost, and none is made twice.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { A0, A1, connected, fakeNode, nodesTime, TO, until, wallet } from '../testdata/fakewallet.js'

const refuse =
  (message, code = -32000, data) =>
  () => {
    throw { code, message, ...(data && { data }) }
  }
const hashOf = (raw) => `0x${createHash('sha256').update(raw).digest('hex')}`
const txOf = (raw) => JSON.parse(Buffer.from(raw.slice(4), 'hex').toString())
const pay = { to: TO, value: '0x1' }
const other = { to: TO, value: '0x2' }
const minutes = (n) => n * 60_000

/**
 * paying makes a page that is connected to a node, which takes what it gets. Each signature is over the transaction. raws has what the
 * node got, and nonces those that the device signed.
 */
async function paying(t, { answers, devices = [wallet()], ...options } = {}) {
  const raws = []
  const node = await fakeNode(t, { eth_sendRawTransaction: (raw) => (raws.push(raw), hashOf(raw)), eth_getTransactionByHash: null })
  for (const [name, answer] of Object.entries(answers ?? {})) {
    node.answers[name] = name === 'eth_sendRawTransaction' ? (raw) => (raws.push(raw), answer(raw)) : answer
  }
  const it = await connected(t, { node, devices, ...options })
  for (const device of devices) signing(device)
  const nonces = () =>
    it.usb.devices.flatMap(({ calls }) => calls.filter(([name]) => name === 'signTransaction').map(([, { nonce }]) => Number(nonce)))
  return { ...it, raws, nonces, send: (tx, more) => it.ask('eth_sendTransaction', [tx], more) }
}

function signing(device) {
  device.signTransaction = (tx) => {
    const raw = `0x02${Buffer.from(JSON.stringify(tx)).toString('hex')}`
    return { raw, hash: hashOf(raw), from: tx.from }
  }
}

/** later moves the clock. */
function later(t, milliseconds) {
  const now = Date.now()
  t.mock.method(Date, 'now', () => now + milliseconds)
}

test('where the browser cannot read what was signed before, nothing is signed', async (t) => {
  let damaged = true
  const open = () => {
    const request = { error: new DOMException('backing store', damaged ? 'UnknownError' : 'SecurityError') }
    queueMicrotask(() => request.onerror())
    return request
  }
  for (const [name, value] of Object.entries({ indexedDB: { open }, IDBKeyRange: { bound: () => ({}) }, navigator: {} })) {
    const before = Object.getOwnPropertyDescriptor(globalThis, name)
    Object.defineProperty(globalThis, name, { value, configurable: true })
    t.after(() => (before ? Object.defineProperty(globalThis, name, before) : delete globalThis[name]))
  }
  const { ask, send, nonces, raws } = await paying(t)
  const unread = ({ code, data, message }) =>
    code === -32603 && data.code === 'storage' && data.retryable && /Nothing was signed/.test(message)
  await assert.rejects(send(pay), unread)
  await assert.rejects(send({ ...pay, nonce: '0x7' }), unread)
  await assert.rejects(ask('eth_signTransaction', [pay]), unread)
  const batch = { version: '2.0.0', chainId: '0x1', from: A0, atomicRequired: false, calls: [pay] }
  await assert.rejects(ask('wallet_sendCalls', [batch]), unread)
  await assert.rejects(ask('wallet_getCallsStatus', ['0x1']), unread)
  assert.deepEqual([nonces(), raws], [[], []])
  damaged = false // a site without storage never had any
  await send(pay)
  assert.deepEqual(nonces(), [7])
})

test('with a pending count that is stuck, two payments have two nonces and two hashes', async (t) => {
  const { send, nonces, raws } = await paying(t)
  const hashes = [await send(pay), await send(pay)]
  assert.deepEqual(nonces(), [7, 8])
  assert.deepEqual(hashes, raws.map(hashOf))
  assert.notEqual(hashes[0], hashes[1])
  await Promise.all([send(pay), send(other), send(pay)])
  assert.deepEqual(nonces(), [7, 8, 9, 10, 11])
  assert.equal(new Set(raws).size, 5)
})

test('the next nonce is the highest of the pending count, the latest count and the journal', async (t) => {
  const { send, nonces, node } = await paying(t)
  const count = (pending, latest) => (node.answers.eth_getTransactionCount = (_, tag) => (tag === 'pending' ? pending : latest))
  count('0x5', '0x9')
  await send(pay)
  count('0xc', '0x9')
  await send(pay)
  count('0xb', '0xa')
  await send(pay)
  assert.deepEqual(nonces(), [9, 12, 13])
  count('0xe', '0xe')
  await send(pay)
  assert.deepEqual(nonces(), [9, 12, 13, 14], 'what was mined does not count')
})

test('a node without the tag pending gives the latest count', async (t) => {
  for (const code of [-32602, -32601, -32000]) {
    const { send, nonces } = await paying(t, {
      answers: {
        eth_getTransactionCount: (_, tag) => {
          if (tag === 'pending') throw { code, message: 'unsupported block tag' }
          return '0x7'
        },
      },
    })
    await send(pay)
    await send(pay)
    assert.deepEqual(nonces(), [7, 8])
  }
})

test('a node without the tag pending may say so by any error, or give nothing', async (t) => {
  for (const answer of [
    refuse('pending state is not available', -32603),
    refuse('pending state unavailable'),
    refuse('block not found: pending', -32001),
    () => null,
    () => '0x',
    () => 6,
  ]) {
    const it = await paying(t, { answers: { eth_getTransactionCount: (_, tag) => (tag === 'pending' ? answer() : '0x7') } })
    await it.send(pay)
    await it.send(pay)
    assert.deepEqual(it.nonces(), [7, 8])
  }
  // One that answers nothing at the moment may have counted more.
  const limited = await paying(t, {
    answers: { eth_getTransactionCount: (_, tag) => (tag === 'pending' ? refuse('slow down', -32005)() : '0x7') },
  })
  await assert.rejects(limited.send(pay), { code: -32005 })
  assert.deepEqual(limited.nonces(), [])
})

test('a node may write numbers instead of hex', async (t) => {
  const it = await paying(t, { answers: { eth_getTransactionCount: 7, eth_estimateGas: 21_000 } })
  await it.send(pay)
  assert.deepEqual([it.nonces(), txOf(it.raws[0]).gas], [[7], '0x5208'])
})

test('a count that is too high to be true is refused before the device is asked', async (t) => {
  const high = '0xf4240'
  const it = await paying(t, { answers: { eth_getTransactionCount: (_, tag) => (tag === 'pending' ? high : '0x7') } })
  await assert.rejects(it.send(pay), { code: -32603, message: /1000000.*nothing was signed/, data: { code: 'protocol', retryable: false } })
  it.node.answers.eth_getTransactionCount = '0x7'
  await it.send(pay)
  it.node.answers.eth_getTransactionCount = high
  await assert.rejects(it.send(pay), { code: -32603, message: /1000000.*7 was signed/ })
  assert.deepEqual(it.nonces(), [7])
  await it.send({ ...pay, nonce: high })
  assert.deepEqual(it.nonces(), [7, 1_000_000], 'the dApp may name it')
  const busy = await paying(t, { answers: { eth_getTransactionCount: (_, tag) => (tag === 'pending' ? '0x47' : '0x7') } })
  await busy.send(pay)
  assert.deepEqual(busy.nonces(), [71], 'some may wait')
})

test('an error after the signature has the hash, and the same request sends the same bytes', async (t) => {
  const failures = {
    'a refusal, which may be a lie': refuse('insufficient funds for gas * price + value'),
    'a refusal with data': refuse('internal error', -32603, { why: 'x' }),
    'another hash': () => `0x${'00'.repeat(32)}`,
    'no hash': () => null,
    'what is no text': () => ({ toString: 'no function' }),
  }
  for (const [name, fail] of Object.entries(failures)) {
    let failing = true
    const it = await paying(t, { answers: { eth_sendRawTransaction: (raw) => (failing ? fail() : hashOf(raw)) } })
    const error = await it.send(pay).then(
      () => assert.fail(name),
      (thrown) => thrown,
    )
    const [raw] = it.raws
    assert(error instanceof it.sdk.ProviderRpcError)
    assert.match(error.message, new RegExp(`may have been sent.*${hashOf(raw)}`), name)
    const { hash, nonce, retryable } = error.data
    assert.deepEqual([hash, error.data.raw, nonce, retryable], [hashOf(raw), raw, '0x7', true], name)
    if (name.startsWith('a refusal')) assert.equal(error.code, /internal/.test(error.message) ? -32603 : -32000, "the node's code stays")
    if (name === 'a refusal with data') assert.deepEqual(error.data.data, { why: 'x' })
    await assert.rejects(it.send(pay), { data: error.data }, name)
    failing = false
    // Another name of the method, another order, another case and other fees make no other request.
    assert.equal(
      await it.ask('wallet_sendTransaction', [{ value: 1n, gas: '0x7530', to: TO.toUpperCase().replace('X', 'x'), from: A0 }]),
      hashOf(raw),
    )
    assert.deepEqual(it.raws, [raw, raw, raw], name)
    assert.deepEqual(it.nonces(), [7], name)
    await it.send(pay)
    assert.deepEqual(it.nonces(), [7, 8], 'after a success, the same request is another payment')
  }
})

test('so does a node that does not answer, or not in JSON-RPC', async (t) => {
  const end = nodesTime(t)
  for (const [code, reply] of [
    ['node-unreachable', (response) => response.destroy()],
    ['protocol', (response) => response.writeHead(502).end('<html>')],
    ['timeout', end],
  ]) {
    const it = await paying(t)
    const { signTransaction } = it.device
    it.device.signTransaction = (tx) => ((it.node.reply = reply), signTransaction(tx))
    const error = await it.send(pay).catch((thrown) => thrown)
    assert.deepEqual([error.code, error.data.code, error.data.retryable], [-32603, code, true])
    assert.match(error.message, new RegExp(`may have been sent.*${error.data.hash}`))
    it.node.reply = undefined
    assert.equal(await it.send(pay), error.data.hash)
    assert.deepEqual([it.raws, it.nonces()], [[error.data.raw], [7]])
  }
})

test('a node that says 8, fails and then says 7 gets one payment for one request', async (t) => {
  let count = '0x8'
  let failing = true
  const it = await paying(t, {
    answers: {
      eth_getTransactionCount: () => count,
      eth_sendRawTransaction: (raw) => (failing ? refuse('busy')() : hashOf(raw)),
    },
  })
  await assert.rejects(it.send(pay), { code: -32000 })
  count = '0x7'
  failing = false
  await it.send(pay)
  assert.deepEqual([it.nonces(), new Set(it.raws).size], [[8], 1])
  await it.send(other)
  assert.deepEqual(it.nonces(), [8, 9], 'a nonce that was used lately is used, whatever the node says')
})

test('a node that has the transaction already took it', async (t) => {
  for (const message of ['already known', 'nonce too low', 'ALREADY_EXISTS: already known', 'Known transaction']) {
    let known = null
    const it = await paying(t, {
      answers: { eth_sendRawTransaction: refuse(message), eth_getTransactionByHash: (hash) => known && { hash } },
    })
    const { data } = await it.send(pay).catch((thrown) => thrown)
    known = true
    assert.equal(await it.send(pay), data.hash, message)
    assert.deepEqual(it.nonces(), [7])
  }
})

test('a node that knows a transaction when it gets it again took it, even if it cannot look it up', async (t) => {
  for (const message of [
    'already known',
    'ALREADY_EXISTS: already known',
    'Known transaction',
    'transaction with the same hash was already imported.',
  ]) {
    for (const next of [pay, other]) {
      let sent = 0
      const it = await paying(t, {
        answers: {
          eth_sendRawTransaction: (raw) => {
            if (txOf(raw).value !== '0x1') return hashOf(raw)
            throw { code: -32000, message: sent++ ? message : 'busy' }
          },
        },
      })
      const { data } = await it.send(pay).catch((thrown) => thrown)
      const hash = await it.send(next)
      assert.deepEqual([it.nonces(), hash === data.hash], next === pay ? [[7], true] : [[7, 8], false], message)
    }
  }
  const it = await paying(t, { answers: { eth_sendRawTransaction: refuse('unknown transaction type') } })
  await assert.rejects(it.send(pay))
  await assert.rejects(it.send(pay), { message: /unknown transaction type/ })
})

test('a rejected signature uses no nonce', async (t) => {
  const it = await paying(t)
  const { signTransaction } = it.device
  it.device.signTransaction = () => {
    throw it.device.error('user-rejected', { statusWord: 0x6940 })
  }
  await assert.rejects(it.send(pay), { code: 4001 })
  it.device.signTransaction = signTransaction
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7])
  assert.equal(it.raws.length, 1)
})

test('a nonce is signed again only if the dApp names it, and the event says so', async (t) => {
  const it = await paying(t)
  const { signTransaction } = it.device
  it.device.signTransaction = (tx) => {
    it.device.tell('interaction', { state: 'waiting', reason: 'confirm', operation: 'transaction' })
    return signTransaction(tx)
  }
  const first = await it.send(pay)
  const second = await it.send({ ...pay, nonce: '0x7', maxFeePerGas: '0x1000', maxPriorityFeePerGas: '0x10' })
  const third = await it.send({ to: A0, nonce: 7 })
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7, 7, 8])
  assert.deepEqual(
    it.events('interaction').map(({ replaces }) => replaces),
    [undefined, first, second, undefined],
  )
  assert.notEqual(second, third)
  assert.equal('replaces' in it.events('interaction')[0], false)
})

test('a request with its nonce is the same only with the same fee', async (t) => {
  let failing = true
  const it = await paying(t, { answers: { eth_sendRawTransaction: (raw) => (failing ? refuse('busy')() : hashOf(raw)) } })
  const named = { ...pay, nonce: '0x7', maxFeePerGas: '0x1000', maxPriorityFeePerGas: '0x10' }
  const { data } = await it.send(named).catch((thrown) => thrown)
  failing = false
  assert.equal(await it.send(named), data.hash)
  assert.deepEqual(it.nonces(), [7])
  await it.send({ ...named, maxFeePerGas: '0x2000' })
  assert.deepEqual(it.nonces(), [7, 7])
})

test('a replacement that the node refuses leaves the payment that it was to replace', async (t) => {
  const inPool = new Set()
  const it = await paying(t, {
    answers: {
      eth_sendRawTransaction: (raw) => {
        if (txOf(raw).nonce === '0x7' && inPool.size > 0) refuse('replacement transaction underpriced')()
        inPool.add(hashOf(raw))
        return hashOf(raw)
      },
      eth_getTransactionByHash: (hash) => (inPool.has(hash) ? { hash, blockNumber: null } : null),
    },
  })
  const first = await it.send(pay)
  await assert.rejects(it.send({ ...other, nonce: '0x7' }), { message: /underpriced/ })
  await it.send(other)
  assert.deepEqual(it.nonces(), [7, 7, 8], 'the refused one holds up nothing')
  later(t, minutes(60 * 24 * 2))
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7, 8, 9], 'the first one is not replaced later either')
  assert(inPool.has(first))
  // Without a lookup, the first one counts as on its way as long as it is fresh.
  t.mock.restoreAll()
  const blind = await paying(t, {
    answers: { eth_sendRawTransaction: (raw) => (txOf(raw).value === '0x2' ? refuse('busy')() : hashOf(raw)) },
  })
  await blind.send(pay)
  await assert.rejects(blind.send({ ...other, nonce: '0x7' }))
  await blind.send(pay)
  assert.deepEqual(blind.nonces(), [7, 7, 8])
})

test('a nonce that another transaction takes while the device is busy is not signed again', async (t) => {
  const whole = { ...pay, type: '0x2', gas: '0x5208', maxFeePerGas: '0x64', maxPriorityFeePerGas: '0x1' }
  for (const mine of [false, true]) {
    const it = await paying(t)
    const { signTransaction } = it.device
    let press
    it.device.signTransaction = async (tx) => {
      it.device.tell('interaction', { state: 'waiting', reason: 'confirm', operation: 'transaction' })
      if (!press) await new Promise((resolve) => (press = resolve))
      return signTransaction(tx)
    }
    const named = () => it.ask('eth_signTransaction', [{ ...whole, nonce: '0x7' }])
    const [first, second] = mine ? [() => it.send(other), named] : [named, () => it.send(other)]
    const one = first()
    await until(() => press)
    const two = second()
    if (!mine) await until(() => it.node.methods().includes('eth_estimateGas'))
    await new Promise((resolve) => setTimeout(resolve, 50))
    press()
    const hash = await one
    await two
    // Only the dApp's word makes a replacement, and the event says so.
    assert.deepEqual(it.nonces(), mine ? [7, 7] : [7, 8])
    assert.deepEqual(
      it.events('interaction').map(({ replaces }) => replaces),
      [undefined, mine ? hash : undefined],
    )
  }
})

test('a nonce that the dApp named, and that was used long ago, holds up no payment', async (t) => {
  const it = await paying(t, {
    answers: {
      eth_getTransactionCount: '0x2000',
      eth_sendRawTransaction: (raw) => (Number(txOf(raw).nonce) < 0x2000 ? refuse('nonce too low')() : hashOf(raw)),
    },
  })
  await assert.rejects(it.send({ ...pay, nonce: '0x1' }), { message: /nonce too low/ })
  await it.send(pay)
  assert.deepEqual(it.nonces(), [1, 0x2000])
  await assert.rejects(it.send({ ...pay, nonce: '0x20000000000000' }), { code: -32602 }, 'numbers do not hold it exactly')
})

test('a payment behind one that the node has not gets it there first, or is refused', async (t) => {
  let takes = false
  const it = await paying(t, { answers: { eth_sendRawTransaction: (raw) => (takes ? hashOf(raw) : refuse('underpriced')()) } })
  const first = await it.send(pay).catch((thrown) => thrown)
  const error = await it.send(other).catch((thrown) => thrown)
  assert.match(error.message, new RegExp(`${first.data.hash}.*nonce 0x7.*does not take it.*nothing was signed`))
  const { hash, raw } = first.data
  assert.deepEqual([error.code, error.data, it.nonces()], [-32603, { code: 'protocol', retryable: true, hash, raw, nonce: '0x7' }, [7]])
  takes = true
  await it.send(other)
  assert.deepEqual(it.nonces(), [7, 8])
  assert.deepEqual(
    it.raws.slice(-2).map((raw) => txOf(raw).nonce),
    ['0x7', '0x8'],
  )
  assert.equal(await it.send(pay), first.data.hash, 'the dApp was not told yet that it was sent')
  assert.deepEqual(it.nonces(), [7, 8])
})

test('a nonce whose transaction the node lacks and refuses is signed again only if the dApp names it, however old', async (t) => {
  for (const fails of [false, true]) {
    for (const days of [0, 1, 100]) {
      let takes = !fails
      const it = await paying(t, {
        answers: { eth_sendRawTransaction: (raw) => (takes || txOf(raw).value === '0x2' ? hashOf(raw) : refuse('insufficient funds')()) },
      })
      const { signTransaction } = it.device
      it.device.signTransaction = (tx) => {
        it.device.tell('interaction', { state: 'waiting', reason: 'confirm', operation: 'transaction' })
        return signTransaction(tx)
      }
      const first = await it.send(pay).catch(({ data }) => data.hash)
      takes = false
      later(t, minutes(11 + days * 24 * 60))
      for (let i = 0; i < 2; i++) {
        const error = await it.send(other).catch((thrown) => thrown)
        assert.match(error.message, new RegExp(`${first} has the nonce 0x7.*nothing was signed.*to replace it`))
        assert.deepEqual([error.code, error.data.hash, error.data.nonce, error.data.retryable], [-32603, first, '0x7', true])
      }
      assert.deepEqual(it.nonces(), [7])
      const { nonce } = await it.send(other).catch(({ data }) => data)
      assert.notEqual(await it.send({ ...other, nonce }), first)
      assert.deepEqual(it.nonces(), [7, 7])
      assert.equal(it.events('interaction').at(-1).replaces, first)
      await it.send({ ...other, value: '0x3', data: '0x' }).catch(() => {})
      assert.deepEqual(it.nonces(), [7, 7, 8], 'the account goes on')
      t.mock.restoreAll()
    }
  }
})

test('a refused transaction above a free nonce does not hold that nonce up', async (t) => {
  let count = '0x9'
  const it = await paying(t, {
    answers: {
      eth_getTransactionCount: () => count,
      eth_sendRawTransaction: (raw) => (txOf(raw).nonce === '0x9' ? refuse('underpriced')() : hashOf(raw)),
    },
  })
  await assert.rejects(it.send(pay), { message: /underpriced/ })
  count = '0x7'
  await assert.rejects(it.send(other), ({ data }) => data.nonce === '0x9', 'while it is fresh, the next nonce is above it')
  later(t, minutes(11))
  await it.send(other)
  await it.send(other)
  await assert.rejects(it.send(other), /0x9.*nothing was signed/)
  assert.deepEqual(it.nonces(), [9, 7, 8])
})

test('no nonce is signed again unnamed behind 64 that wait', async (t) => {
  const it = await paying(t)
  const fees = { gas: '0x5208', maxFeePerGas: '0x2', maxPriorityFeePerGas: '0x1' }
  for (let nonce = 7; nonce <= 7 + 64; nonce++) await it.send({ ...other, ...fees, nonce })
  await it.send({ ...other, ...fees })
  assert.equal(it.nonces().at(-1), 7 + 65)
  assert.equal(new Set(it.nonces()).size, it.nonces().length)
})

test('a transaction that was dropped and is taken back is not replaced', async (t) => {
  const it = await paying(t)
  await it.send(pay)
  later(t, minutes(60 * 24 * 3))
  await it.send(other)
  assert.deepEqual(it.nonces(), [7, 8])
  assert.deepEqual(
    it.raws.map((raw) => txOf(raw).nonce),
    ['0x7', '0x7', '0x8'],
  )
  it.node.answers.eth_getTransactionByHash = (hash) => ({ hash, blockNumber: null })
  await it.send(other)
  assert.deepEqual(it.nonces(), [7, 8, 9])
  assert.equal(it.raws.length, 4, 'what the node has is not sent again')
})

test('no gap stays below a nonce that a node made too high', async (t) => {
  const it = await paying(t, { answers: { eth_getTransactionCount: '0x9' } })
  await it.send(pay)
  it.node.answers.eth_getTransactionCount = '0x7'
  later(t, minutes(11))
  it.node.answers.eth_getTransactionByHash = (hash) => ({ hash, blockNumber: null })
  await it.send(pay)
  await it.send(pay)
  await it.send(pay)
  assert.deepEqual(it.nonces(), [9, 7, 8, 10])
})

test('a request whose transaction was overtaken is signed anew only after an error that says so', async (t) => {
  const it = await paying(t, { answers: { eth_sendRawTransaction: refuse('nonce too low') } })
  const { data } = await it.send(pay).catch((thrown) => thrown)
  it.node.answers.eth_getTransactionCount = '0x8'
  await assert.rejects(it.send(pay), {
    code: -32603,
    message: new RegExp(`${data.hash}.*another transaction took its nonce`),
    data: { code: 'protocol', ...data },
  })
  assert.deepEqual(it.nonces(), [7])
  it.node.answers.eth_sendRawTransaction = hashOf
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 8])
})

test('a request whose transaction was mined after all gets its hash, and a day later it is a new payment', async (t) => {
  for (const days of [0, 2]) {
    const it = await paying(t, { answers: { eth_sendRawTransaction: refuse('nonce too low') } })
    const { data } = await it.send(pay).catch((thrown) => thrown)
    it.node.answers.eth_getTransactionByHash = (hash) => (hash === data.hash ? { hash, blockNumber: '0x1' } : null)
    it.node.answers.eth_getTransactionCount = '0x8'
    if (days > 0) {
      later(t, minutes(60 * 24 * days))
      it.node.answers.eth_sendRawTransaction = hashOf
      assert.notEqual(await it.send(pay), data.hash)
    } else assert.equal(await it.send(pay), data.hash)
    assert.deepEqual(it.nonces(), days > 0 ? [7, 8] : [7])
    t.mock.restoreAll()
  }
})

test('a request whose transaction is being replaced waits until one of the two is mined', async (t) => {
  let mined
  const it = await paying(t, {
    answers: {
      eth_sendRawTransaction: (raw) => (txOf(raw).value === '0x1' ? refuse('busy')() : hashOf(raw)),
      eth_getTransactionByHash: (hash) => (hash === mined ? { hash, blockNumber: '0x1' } : null),
    },
  })
  const { data } = await it.send(pay).catch((thrown) => thrown)
  const cancel = await it.send({ to: A0, nonce: '0x7' })
  await assert.rejects(it.send(pay), { code: -32603, message: new RegExp(`${data.hash}.*instead of ${cancel}`) })
  it.node.answers.eth_getTransactionCount = '0x8'
  mined = cancel
  it.node.answers.eth_sendRawTransaction = hashOf
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7, 8])
})

test('what is signed for the dApp uses its nonce, and is never sent by itself', async (t) => {
  const it = await paying(t)
  const raw = await it.ask('eth_signTransaction', [pay])
  await it.send(pay)
  assert.deepEqual([it.nonces(), it.raws.includes(raw)], [[7, 8], false])
  later(t, minutes(11))
  it.node.answers.eth_getTransactionCount = '0x7'
  await assert.rejects(
    it.send(other),
    ({ message, data }) => /nonce 0x7.*this site did not send it/.test(message) && data.raw === raw && data.nonce === '0x7',
  )
  assert.equal(it.raws.includes(raw), false)
  assert.equal(await it.ask('eth_sendRawTransaction', [raw]), hashOf(raw), 'the dApp may send it itself')
  await it.send(other)
  assert.deepEqual(it.nonces(), [7, 8, 9])
})

test('what the dApp sends itself after an error counts as sent', async (t) => {
  for (const method of ['eth_sendRawTransaction', 'eth_sendRawTransactionSync']) {
    let failing = true
    const answer = (raw) => (failing ? refuse('busy')() : hashOf(raw))
    const it = await paying(t, { answers: { eth_sendRawTransaction: answer, eth_sendRawTransactionSync: answer } })
    const { data } = await it.send(pay).catch((thrown) => thrown)
    failing = false
    await it.ask(method, [`0x${data.raw.slice(2).toUpperCase()}`])
    await it.send(pay)
    assert.deepEqual(it.nonces(), [7, 8])
  }
})

test('accounts and chains have nonces of their own', async (t) => {
  const second = await fakeNode(t, { eth_chainId: '0x2', eth_sendRawTransaction: hashOf })
  const first = await fakeNode(t, { eth_sendRawTransaction: hashOf })
  const chains = [first, second].map(({ url }, i) => ({ chainId: i + 1, rpcUrls: [url] }))
  const it = await paying(t, { accounts: 2, chains })
  await it.send(pay)
  await it.send({ ...pay, from: A1 })
  await it.ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  await it.send(pay)
  await it.ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7, 7, 8])
})

test('two providers of one page share the journal', async (t) => {
  const it = await paying(t)
  const again = it.create()
  await again.request({ method: 'eth_requestAccounts' })
  await Promise.all([it.send(pay), again.request({ method: 'eth_sendTransaction', params: [pay] })])
  assert.deepEqual(it.nonces(), [7, 8])
  assert.equal(new Set(it.raws).size, 2)
})

test('a request that is aborted while it waits for another payment signs nothing', async (t) => {
  const it = await paying(t)
  const { signTransaction } = it.device
  let press
  it.device.signTransaction = (tx) => new Promise((resolve) => (press = () => resolve(signTransaction(tx))))
  const first = it.send(pay)
  await until(() => press)
  const controller = new AbortController()
  const second = it.send(other, { signal: controller.signal })
  const third = it.send(pay, { signal: AbortSignal.timeout(60_000) })
  controller.abort()
  await assert.rejects(second, { data: { code: 'aborted', retryable: true } })
  it.device.signTransaction = signTransaction
  press()
  await Promise.all([first, third])
  assert.deepEqual(it.nonces(), [7, 8])
})

test('the journal is bounded, and forgets last what may be on its way', async (t) => {
  let failing = true
  const it = await paying(t, { answers: { eth_sendRawTransaction: (raw) => (failing ? refuse('busy')() : hashOf(raw)) } })
  const { data } = await it.send({ ...pay, nonce: '0x7' }).catch((thrown) => thrown)
  failing = false
  for (let nonce = 8; nonce < 8 + 130; nonce++)
    await it.send({ ...other, nonce, gas: '0x5208', maxFeePerGas: '0x2', maxPriorityFeePerGas: '0x1' })
  const signed = it.nonces().length
  assert.equal(await it.send({ ...pay, nonce: '0x7' }), data.hash)
  assert.equal(it.nonces().length, signed)
})

test('the dApp can have the transactions of a test chain forgotten that begins anew', async (t) => {
  const it = await paying(t)
  const forget = (params) => it.ask('imkey_forgetTransactions', params)
  await it.send(pay)
  await it.send(pay)
  it.node.answers.eth_getTransactionCount = '0x0'
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 8, 9])
  assert.equal(await forget(), null)
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 8, 9, 0])
  // One that is being made is finished first.
  const { signTransaction } = it.device
  let press
  it.device.signTransaction = (tx) => new Promise((resolve) => (press = () => resolve(signTransaction(tx))))
  const last = it.send(pay)
  await until(() => press)
  const forgotten = forget([])
  press()
  await Promise.all([last, forgotten])
  it.device.signTransaction = signTransaction
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 8, 9, 0, 1, 0])
  await assert.rejects(forget([{ chainId: '0x1' }]), { code: -32602 })
})

test('the transactions of other chains are kept, and those of a chain that is not on this machine or network', async (t) => {
  const second = await fakeNode(t, { eth_chainId: '0x2', eth_sendRawTransaction: hashOf })
  const first = await fakeNode(t, { eth_sendRawTransaction: hashOf })
  const it = await paying(t, {
    chains: [
      { chainId: 1, rpcUrls: [first.url, 'https://node.example'] },
      { chainId: 2, rpcUrls: [second.url] },
    ],
  })
  await it.send(pay)
  await assert.rejects(it.ask('imkey_forgetTransactions'), { code: -32602, message: /not a test chain/ })
  await it.ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  await it.send(pay)
  await it.ask('imkey_forgetTransactions')
  await it.send(pay)
  await it.ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  await it.send(pay)
  assert.deepEqual(it.nonces(), [7, 7, 7, 8])
})
