// The message protocol: old clients, malformed and hostile messages, and bounds.
import assert from 'node:assert/strict'
import { readFile } from 'node:fs/promises'
import { test } from 'node:test'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { A, A0, B, broker, held, protocol, SIGNATURE, site, TO, until } from './testdata/world.js'

const { mostToBroker, readFromSite, readToSite, write } = protocol
setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc')
const heap = () => (collect(), process.memoryUsage().heapUsed)

const plain = (value) => JSON.parse(JSON.stringify(value))
const recorded = JSON.parse(await readFile(new URL('testdata/session.v1.json', import.meta.url), 'utf8'))
const sent = recorded.steps.filter(({ site }) => site).map(({ site }) => JSON.parse(site))
const received = recorded.steps.filter(({ broker }) => broker).map(({ broker }) => broker)

test('a client of version 1 works with this broker', async (t) => {
  const { site, broker: made } = await broker(t)
  const a = site(A)
  a.got.length = 0
  const old = { got: [] }
  const connection = made.connect(B, { post: (text) => old.got.push(JSON.parse(text)), close: () => (old.closed = true) })
  let expected = 0
  for (const step of recorded.steps) {
    if (step.site) connection.receive(step.site)
    else {
      expected++
      const heard = () => old.got.filter(({ name }) => name !== 'interaction')
      await until(() => heard().length >= expected)
      assert.deepEqual(heard()[expected - 1], step.broker)
    }
  }
  assert.ok(old.closed)
  assert.ok(expected > 10)
})

test('docs/messages.md names every type and field of a session', async () => {
  const page = await readFile(new URL('../../docs/messages.md', import.meta.url), 'utf8')
  for (const message of [...sent, ...received, ...sent.flatMap(({ chain }) => chain ?? [])]) {
    for (const name of [message.type, ...Object.keys(message)]) assert.ok(name === undefined || page.includes(`\`${name}\``), name)
  }
  for (const most of [mostToBroker, protocol.mostToSite]) assert.ok(page.includes(most.toLocaleString('en')))
})

test('a newer client is answered with the version of this broker', async (t) => {
  const { broker: made } = await broker(t)
  const a = site(made, A, { hello: false })
  a.send({ type: 'hello', v: 7, sdk: '9.9.9' })
  assert.equal((await a.welcome()).v, protocol.version)
})

test('every message of a session fits, and none does with a field more, less or of another type', () => {
  const others = [undefined, null, true, -1, 1.5, 2 ** 60, '', 'x', [], {}, [[]], { type: 'hello' }]
  let refused = 0
  for (const [messages, read] of [
    [sent, readFromSite],
    [received, readToSite],
  ]) {
    for (const message of messages) {
      assert.deepEqual(plain(read(JSON.stringify(message))), message)
      assert.throws(() => read(JSON.stringify({ ...message, extra: 1 })))
      assert.throws(() => read(JSON.stringify({ ...message, type: 'other' })))
      assert.throws(() => read(JSON.stringify([message])))
      assert.throws(() => read(message), 'it is text')
      assert.throws(() => read(JSON.stringify(message).slice(0, -1)))
      for (const name of Object.keys(message)) {
        const { [name]: _, ...less } = message
        if (!['chain', 'data', 'chainId'].includes(name)) assert.throws(() => read(JSON.stringify(less)), `${message.type} without ${name}`)
        for (const other of others) {
          if (['params', 'result', 'payload', 'data'].includes(name)) continue
          const changed = JSON.stringify({ ...message, [name]: other })
          try {
            const kept = plain(read(changed))
            assert.deepEqual(kept, JSON.parse(changed), changed) // what fits is kept as it is
          } catch (thrown) {
            assert.equal(typeof thrown, 'string', `${changed}: ${thrown}`)
            refused++
          }
        }
      }
    }
  }
  assert.ok(refused > 200, `${refused}`)
})

test('a message is as long as the limit, and not longer', () => {
  const message = (n) => {
    const empty = JSON.stringify({ type: 'request', id: 1, method: 'eth_call', params: [''] })
    return empty.replace('[""]', `["${'x'.repeat(n - empty.length)}"]`)
  }
  assert.equal(readFromSite(message(mostToBroker)).type, 'request')
  assert.throws(() => readFromSite(message(mostToBroker + 1)), /longer/)
  assert.throws(() => readFromSite('[' + '['.repeat(200_000)), /JSON/)
  const deep = (n) => JSON.stringify({ type: 'request', id: 1, method: 'x', params: '@' }).replace('"@"', '['.repeat(n) + ']'.repeat(n))
  assert.equal(readFromSite(deep(50)).type, 'request')
  assert.throws(() => readFromSite(deep(100_000)), /deeper|JSON/)
})

test('a polluted prototype adds nothing to a message', () => {
  for (const [name, value] of [
    ['chain', {}],
    ['params', ['x']],
    ['extra', 1],
    ['data', 1],
    ['chainId', '0x1'],
    ['type', 'bye'],
  ]) {
    Object.prototype[name] = value
    try {
      const read = readFromSite('{"type":"request","id":1,"method":"x","params":[]}')
      assert.deepEqual(Object.keys(read), ['type', 'id', 'method', 'params'])
      assert.equal(read.chain, undefined)
      assert.equal(read.extra, undefined)
      assert.throws(() => readFromSite('{"id":1,"method":"x","params":[]}'))
      assert.equal(readToSite('{"type":"welcome","v":1,"broker":"x","accounts":[]}').chainId, undefined)
    } finally {
      delete Object.prototype[name]
    }
  }
  const read = readFromSite('{"type":"request","id":1,"method":"x","params":{"__proto__":{"polluted":1}}}')
  assert.equal({}.polluted, undefined)
  assert.equal(read.params.polluted, undefined)
  assert.throws(() => readFromSite('{"type":"bye","__proto__":{"x":1}}'))
  assert.throws(() => readFromSite('{"type":"constructor"}'))
  assert.throws(() => readFromSite('{"type":"__proto__"}'))
  assert.throws(() => readFromSite('{"type":"toString"}'))
})

test('what JSON cannot say is written as wallets do', () => {
  const written = (...params) => JSON.parse(write({ type: 'request', id: 1, method: 'x', params })).params
  assert.deepEqual(written(5n, new Uint8Array([0, 255]), -5n), [5, '0x00ff', -5])
  assert.deepEqual(written(10n ** 18n, -(10n ** 18n), 2n ** 53n - 1n, 2n ** 53n), [
    '0xde0b6b3a7640000',
    '-1000000000000000000',
    2 ** 53 - 1,
    '0x20000000000000',
  ])
  for (const number of [NaN, Infinity, -Infinity]) {
    assert.deepEqual(written({ value: number }), [{ value: String(number) }])
    assert.equal(write({ type: 'result', id: 1, result: number }), '{"type":"result","id":1,"result":null}') // a node answered 1e999
  }
})

test('a bigint in a request means the same as on a page with the SDK in it', async (t) => {
  const { site, device } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const numbers = { value: 10n ** 18n, gas: 21_000n, nonce: 3n, type: 2, maxFeePerGas: 2n ** 60n, maxPriorityFeePerGas: 1n, chainId: 1n }
  a.send(write({ type: 'request', id: ++a.last, method: 'eth_signTransaction', params: [{ from: A0, to: TO, ...numbers }] }))
  await until(() => a.got.some(({ id }) => id === a.last))
  assert.equal(a.got.at(-1).type, 'result', a.got.at(-1).message)
  const { value, gas, nonce, maxFeePerGas } = device.calls.at(-1)[1]
  assert.deepEqual([value, gas, nonce, maxFeePerGas], ['0xde0b6b3a7640000', '0x5208', '0x3', '0x1000000000000000'])
})

test('NaN in a request is no number, and a method that does not exist says so', async (t) => {
  const { site, device } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const asked = device.calls.length
  for (const [method, params, code] of [
    ['eth_signTransaction', [{ from: A0, to: TO, value: NaN }], -32602],
    ['eth_signTransaction', [{ from: A0, to: TO, gas: Infinity }], -32602],
    ['wallet_watchAsset', { type: 'ERC20', options: { address: TO, symbol: 'T', decimals: NaN } }, 4200],
  ]) {
    a.send(write({ type: 'request', id: ++a.last, method, params }))
    await until(() => a.got.some(({ id }) => id === a.last))
    assert.equal(a.got.at(-1).code, code, method)
  }
  assert.equal(device.calls.length, asked)
})

test('the schemas read any bytes without an error of their own', () => {
  const seed = Number(process.env.IMKEY_SEED ?? Math.floor(Math.random() * 2 ** 31))
  let state = seed
  const random = (n) => ((state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff) >> 8) % n
  const words = [
    'type',
    'id',
    'hello',
    'request',
    'params',
    '"',
    '{',
    '}',
    '[',
    ']',
    ',',
    ':',
    '1',
    '-1',
    '1e999',
    'null',
    'true',
    '__proto__',
    'constructor',
    '\\u0000',
    '\ud800',
    'chain',
    'v',
  ]
  const texts = [...sent, ...received].map((message) => JSON.stringify(message))
  const values = [null, true, 0, -1, 1e300, '', 'x', [], {}, [{}], { __proto__: null }, { type: 'hello' }]
  const mutate = (value) => {
    if (typeof value !== 'object' || value === null || random(8) === 0) return values[random(values.length)]
    const copy = Array.isArray(value) ? [...value] : { ...value }
    const names = Object.keys(copy)
    if (names.length === 0 || random(5) === 0) copy[words[random(words.length)]] = values[random(values.length)]
    else copy[names[random(names.length)]] = mutate(copy[names[random(names.length)]])
    return copy
  }
  let fits = 0
  const rounds = process.env.IMKEY_FULL ? 1_000_000 : 20_000
  for (let i = 0; i < rounds; i++) {
    let text = texts[random(texts.length)]
    if (i % 2) text = JSON.stringify(mutate(JSON.parse(text)))
    else
      for (let n = random(4) + 1; n > 0; n--) {
        const at = random(text.length + 1)
        text = text.slice(0, at) + words[random(words.length)] + text.slice(at + random(3))
      }
    for (const read of [readFromSite, readToSite]) {
      try {
        const message = read(text)
        assert.deepEqual(plain(message), plain(JSON.parse(text)), `seed ${seed}: ${text}`)
        assert.ok(!/:(null|\[null)/.test(JSON.stringify(message)) || text.includes('null'), `seed ${seed}: ${text}`)
        fits++
      } catch (thrown) {
        if (typeof thrown !== 'string') throw thrown
      }
    }
  }
  assert.ok(fits > 100, `seed ${seed}: ${fits} of ${rounds} fit`)
  console.log(`${rounds} messages at random, ${fits} fit, seed ${seed}`)
})

test('origins that are no site are refused', async (t) => {
  const { broker: made, device } = await broker(t)
  const origins = [
    'null',
    '',
    'a.example',
    'http://a.example',
    'https://a.example/',
    'https://a.example/x',
    'https://A.example',
    'https://u@a.example',
    'file://',
    'data:text/html,x',
    'blob:https://a.example/1',
    'chrome-extension://abc',
    'https://a.example:443',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'javascript:0',
    undefined,
    null,
    {},
    ['https://a.example'],
  ]
  for (const origin of origins) {
    const a = site(made, origin)
    assert.deepEqual([a.got.length, a.got[0].id, a.got[0].code, a.closedByBroker], [1, null, 4100, true], String(origin))
    a.send({ type: 'request', id: 1, method: 'eth_requestAccounts', params: [] })
    assert.equal(a.got.length, 1)
  }
  for (const origin of [
    'https://a.example',
    'https://a.example:8443',
    'https://xn--e1aybc.example',
    'http://localhost:3000',
    'http://127.0.0.1:8080',
    'http://[::1]:1',
    'http://app.localhost',
  ]) {
    const a = site(made, origin)
    assert.equal((await a.welcome()).type, 'welcome', origin)
  }
  assert.equal(device.opened, 0)
  assert.deepEqual(made.state.permissions, [])
})

test('malformed, replayed and forged messages are answered once, do nothing, and close the port in the end', async (t) => {
  const { broker: made, user, shown, device } = await broker(t)
  const early = site(made, A, { hello: false })
  early.send({ type: 'request', id: 1, method: 'eth_requestAccounts', params: [] })
  assert.equal(early.got.at(-1).code, -32600)
  const a = site(made, A)
  await a.welcome()
  const b = site(made, B)
  await b.ask('eth_requestAccounts')
  const hold = held()
  user.answer = () => hold.promise
  const asked = shown.asked.length
  const request = b.begin('personal_sign', ['hi', A0])
  await until(() => shown.showing === 1)
  const errors = (each) => each.got.filter(({ type }) => type === 'error').length
  for (const message of [
    { type: 'hello', v: 1, sdk: 'x' },
    { type: 'request', id: request.id, method: 'personal_sign', params: ['replayed', A0] },
    { type: 'request', id: 1, method: 'eth_accounts', params: [] },
    { type: 'request', id: 0, method: 'eth_accounts', params: [] },
    { type: 'request', id: 99, method: 'eth_accounts', params: [], origin: B },
    { type: 'result', id: 1, result: true },
    { type: 'welcome', v: 1, broker: 'x', accounts: [] },
    'not JSON',
    'x'.repeat(mostToBroker + 1),
  ]) {
    const before = errors(b)
    b.send(message)
    assert.equal(errors(b), before + 1, JSON.stringify(message).slice(0, 100))
    assert.equal(b.got.at(-1).code, -32600)
  }
  b.raw({ type: 'bye' })
  b.raw(new Uint8Array(50 << 20))
  b.raw('x'.repeat(50 << 20))
  assert.equal(b.counts.get(99), 1, 'an id that can be read gets its answer')
  assert.equal(b.counts.get(request.id), undefined, 'a replay settles nothing')
  a.send({ type: 'cancel', id: request.id }) // of another site
  b.send({ type: 'cancel', id: 12345 })
  hold.release({ yes: true })
  assert.equal(await request.answer, SIGNATURE)
  assert.equal(b.counts.get(request.id), 1)
  assert.equal(shown.asked.length, asked + 1)
  assert.equal(device.calls.filter(([name]) => name === 'signMessage').length, 1)
  for (let i = 0; i < 100; i++) a.send('{}')
  assert.ok(a.closedByBroker)
  assert.equal(errors(a), 32)
  b.last = 200
  assert.deepEqual(await b.ask('eth_accounts'), [A0], 'other ports go on')
})

test('10,000 requests at once are bounded, settled once each, and leave no memory', async (t) => {
  const { broker: made, user, shown, node, device } = await broker(t)
  const [a, b] = [site(made, A), site(made, B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const hold = held()
  user.answer = ({ origin }) => (origin === A ? hold.promise : { yes: true })
  node.answers.eth_slow = () => hold.promise
  const answers = []
  for (let i = 0; i < 10_000; i++) answers.push(a.begin(i % 2 ? 'personal_sign' : 'eth_chainId', [`0x${'00'.repeat(100)}`, A0]))
  await until(() => made.state.queue.length === 16 && shown.showing === 1)
  hold.release({ yes: true })
  const settled = await Promise.allSettled(answers.map(({ answer }) => answer))
  const codes = {}
  for (const { status, reason } of settled) codes[reason?.code ?? status] = (codes[reason?.code ?? status] ?? 0) + 1
  assert.deepEqual(Object.keys(codes).sort(), ['-32005', 'fulfilled'])
  assert.ok(settled.filter(({ reason }) => reason).every(({ reason }) => reason.data.retryable && reason.data.code === 'device-busy'))
  assert.equal(device.calls.filter(([name]) => name === 'signMessage').length, 16)
  for (const { id } of answers) assert.equal(a.counts.get(id), 1)
  assert.equal(await b.ask('personal_sign', ['hi', A0]), SIGNATURE, 'other sites go on')
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
  console.log(JSON.stringify(codes))

  // 64 in all, however many sites ask.
  const again = held()
  user.answer = () => again.promise
  const crowd = []
  for (let i = 0; i < 10; i++) {
    const each = site(made, `https://s${i}.example`)
    for (let j = 0; j < 16; j++) crowd.push(each.ask('eth_requestAccounts'))
  }
  await until(() => shown.showing === 1)
  assert.equal(made.state.queue.length, 64)
  again.release({ yes: false })
  const refused = (await Promise.allSettled(crowd)).map(({ reason }) => reason.code)
  assert.equal(refused.filter((each) => each === -32005).length, 96)
  assert.equal(refused.filter((each) => each === 4001).length, 64)
  assert.deepEqual(made.state.queue, [])

  // Long messages, and many connections.
  const c = site(made, 'https://c.example')
  const long = held()
  node.answers.eth_long = () => long.promise
  const sizes = Array.from({ length: 100 }, () => c.ask('eth_long', ['x'.repeat(200_000)]))
  long.release('0x1')
  assert.ok((await Promise.allSettled(sizes)).filter(({ reason }) => reason?.code === -32005).length >= 100 - 42)
  const many = Array.from({ length: 100 }, () => site(made, 'https://d.example'))
  assert.equal(many.filter(({ closedByBroker }) => closedByBroker).length, 36)
  for (const each of many) each.gone()

  for (const each of [a, b, c]) Object.assign(each, { got: [], answers: new Map(), counts: new Map() })
  for (const list of [answers, settled, crowd, sizes, shown.states, shown.progress, node.asked]) list.length = 0
  const after = []
  for (let round = 0; round < 3; round++) {
    for (let i = 1; i <= 2000; i++)
      b.send({ type: 'request', id: 100_000 * (round + 1) + i, method: 'eth_chainId', params: ['x'.repeat(10_000)] })
    await until(() => b.counts.size === 2000)
    Object.assign(b, { got: [], counts: new Map() })
    shown.states.length = node.asked.length = 0
    await new Promise(setImmediate)
    after.push(heap())
  }
  const grown = after[2] - after[1]
  assert.ok(grown < 2 << 20, `${grown} bytes`)
  console.log(`20 MB of requests left ${Math.round(grown / 1024)} kB`)
})
