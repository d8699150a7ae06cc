// Tests of signing with the provider: what the device is asked to sign, the queue of requests, and unplugging meanwhile.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { A0, A1, B0, connected, fakeNode, HASH, page, SIGNATURE, TO, until, wallet } from '../testdata/fakewallet.js'

const messages = JSON.parse(readFileSync(new URL('../testdata/messages.json', import.meta.url), 'utf8'))
const reason = (code, retryable = false) => ({ code, retryable })
const typed = {
  types: { EIP712Domain: [{ name: 'chainId', type: 'uint256' }], Mail: [{ name: 'text', type: 'string' }] },
  primaryType: 'Mail',
  domain: { chainId: 1 },
  message: { text: 'hello' },
}
/** onSite makes this a page of a site. */
const onSite = (t, url) => {
  globalThis.document = {}
  globalThis.location = new URL(url)
  t.after(() => {
    delete globalThis.document
    delete globalThis.location
  })
}
const deferred = () => {
  const it = {}
  it.promise = new Promise((resolve, reject) => Object.assign(it, { resolve, reject }))
  return it
}

test('a message in hex is signed as bytes, any other as text', async (t) => {
  const { ask, device } = await connected(t, { accounts: 2 })
  const signed = () => device.calls.at(-1)
  assert.equal(await ask('personal_sign', ['0x48656C6c6f', A1]), SIGNATURE)
  assert.deepEqual(signed(), [
    'signMessage',
    Uint8Array.from(Buffer.from('Hello')),
    { path: "m/44'/60'/0'/0/1", from: A1, allowUnbound: false, acceptUnverified: true },
  ])
  await ask('personal_sign', ['Grüße 0x', A0.toLowerCase()])
  assert.deepEqual(signed(), [
    'signMessage',
    'Grüße 0x',
    { path: "m/44'/60'/0'/0/0", from: A0, allowUnbound: false, acceptUnverified: true },
  ])
  await ask('personal_sign', ['', A0])
  assert.equal(signed()[1], '')
  await ask('personal_sign', ['0x', A0])
  assert.deepEqual(signed()[1], new Uint8Array())
  await ask('personal_sign', [A0, 'the other way round'])
  assert.equal(signed()[1], 'the other way round')
  await ask('personal_sign', [A1, A0])
  assert.equal(signed()[2].from, A0, 'an address may be the message')
  await ask('eth_sign', [A0, '0xDEADbeef'])
  assert.deepEqual(signed()[1], Uint8Array.of(0xde, 0xad, 0xbe, 0xef))
})

test('the form of a message decides what is signed, as in eth-sig-util', async (t) => {
  const { ask, device, node } = await connected(t)
  onSite(t, 'https://example.com') // to which one of the messages signs in
  device.calls.length = 0
  for (const { message, bytes, signature } of messages.cases) {
    for (const params of [
      [message, A0],
      [A0, message],
      [message, A0, 'a password'],
    ]) {
      if (params[0] === A0 && /^0x[0-9a-f]{40}$/i.test(message)) continue // both are addresses: the second is the account's
      assert.equal(await ask('personal_sign', params), SIGNATURE)
      const [, signed] = device.calls.at(-1)
      assert.equal(`0x${Buffer.from(signed).toString('hex')}`, bytes, message)
    }
    assert.equal(await ask('personal_ecRecover', [message, signature]), messages.address, message)
    assert.equal(await ask('personal_ecRecover', [bytes, signature]), messages.address)
    assert.notEqual(await ask('personal_ecRecover', [`${message} `, signature]), messages.address)
  }
  assert.equal(new Set(device.calls.map(([name]) => name)).size, 1, 'recovering asks no device')
  assert.deepEqual(node.asked, [], 'and no node')
})

test('personal_ecRecover takes every form of v, and refuses what is no signature', async (t) => {
  const { ask } = await page(t)
  const { message, signature } = messages.cases.at(-1)
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)]
  assert.equal(await ask('personal_ecRecover', [message, `0x${r}${s}${v === '1b' ? '00' : '01'}`]), messages.address)
  assert.equal(await ask('personal_ecRecover', [message, signature.toUpperCase().replace('X', 'x')]), messages.address)
  assert.notEqual(await ask('personal_ecRecover', [message, `0x${r}${s}${v === '1b' ? '1c' : '1b'}`]), messages.address)
  const order = 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'
  for (const wrong of [
    undefined,
    null,
    '0x',
    signature.slice(2),
    signature.slice(0, -2),
    `${signature}00`,
    `0x${r}${s}1d`,
    `0x${r}${s}02`,
    `0x${'0'.repeat(64)}${s}1b`,
    `0x${r}${'0'.repeat(64)}1b`,
    `0x${order}${s}1b`,
    `0x${r}${order}1b`,
    `0x${'0'.repeat(63)}5${s}1b`, // no point of the curve has this x
  ]) {
    await assert.rejects(ask('personal_ecRecover', [message, wrong]), { code: -32602, data: reason('invalid-argument') }, wrong)
  }
  await assert.rejects(ask('personal_ecRecover', [5, signature]), { code: -32602 })
  await assert.rejects(ask('personal_ecRecover', []), { code: -32602 })
})

test('a field that a script adds to Object.prototype is no header of a node', async (t) => {
  t.after(() => {
    delete Object.prototype.headers
  })
  for (const polluted of [null, true, 1, [], { 'x-page': '1' }]) {
    Object.prototype.headers = polluted
    const { ask } = await connected(t)
    assert.match(await ask('eth_sendTransaction', [{ to: TO }]), /^0x/, JSON.stringify(polluted))
    delete Object.prototype.headers
  }
})

test('a field that a script adds to Object.prototype does not allow signing without a binding', async (t) => {
  Object.prototype.allowUnbound = true
  t.after(() => {
    delete Object.prototype.allowUnbound
  })
  const { ask, device } = await connected(t)
  await ask('personal_sign', ['0x00', A0])
  await ask('eth_signTypedData_v4', [A0, typed])
  await ask('eth_sendTransaction', [{ to: TO }])
  assert.deepEqual(
    device.calls.map(([name, ...args]) => [name, args.at(-1).allowUnbound]),
    ['getAccount', 'signMessage', 'signTypedData', 'signTransaction'].map((name) => [name, false]),
  )
})

test('a sign-in message for another site or account is refused', async (t) => {
  const message = (domain, address = A0) =>
    `${domain} wants you to sign in with your Ethereum account:\n${address}\n\n\nURI: https://good.example\nVersion: 1\nChain ID: 1\nNonce: 12345678\nIssued At: 2026-09-30T16:25:24Z`
  const hex = (text) => `0x${Buffer.from(text).toString('hex')}`
  const refused = { code: 4100, data: { reason: 'sign-in', ...reason('invalid-argument') } }
  const asked = []
  let answer = () => undefined
  const confirmSignIn = (request) => {
    asked.push(request)
    return answer()
  }
  const { ask, device, events, create } = await connected(t)
  const careful = create({ confirmSignIn })
  await careful.request({ method: 'eth_requestAccounts' })
  device.calls.length = 0
  // Without a page there is no site that a user sees.
  await assert.rejects(ask('personal_sign', [message('good.example'), A0]), refused)
  onSite(t, 'https://good.example/page')
  const bad = message('evil.example')
  for (const [method, ...params] of [
    ['personal_sign', bad, A0],
    ['personal_sign', hex(bad), A0],
    ['personal_sign', A0, bad],
    ['eth_sign', A0, hex(bad)],
    ['personal_sign', message('good.example', A1), A0],
    ['personal_sign', message('good.example@evil.example'), A0],
    ['personal_sign', message('evil.example\u202e'), A0],
  ]) {
    await assert.rejects(ask(method, params), refused, JSON.stringify(params))
  }
  await assert.rejects(ask('personal_sign', [bad, A0]), {
    message:
      'The message signs in to evil.example, but good.example asks for it, so nothing was signed. Do not sign in there from here: the signature could be used in your name.',
  })
  assert.deepEqual(device.calls, [], 'the device was asked nothing')

  assert.equal(await ask('personal_sign', [message('good.example'), A0]), SIGNATURE)
  device.signMessage = () => {
    device.tell('interaction', { state: 'waiting', reason: 'confirm', operation: 'message' })
    return { signature: SIGNATURE }
  }
  assert.equal(
    await ask('personal_sign', [hex(message('good.example')).replace('68747470733a2f2f676f6f64', '68747470733a2f2f65766c6c'), A0]),
    SIGNATURE,
  )
  assert.deepEqual(events('interaction').at(-1)?.signIn?.differs, ['uri'], 'a page can show what differs')

  // The user decides about one message. Only true is a yes.
  for (const no of [
    () => undefined,
    () => false,
    () => 'yes',
    () => 1,
    async () => ({}),
    () => {
      throw new Error('closed')
    },
  ]) {
    answer = no
    await assert.rejects(careful.request({ method: 'personal_sign', params: [bad, A0] }))
  }
  answer = async () => true
  assert.equal(await careful.request({ method: 'personal_sign', params: [bad, A0] }), SIGNATURE)
  const { message: shown, origin, account, domain, differs } = asked.at(-1)
  assert.deepEqual(
    { shown, origin, account, domain, differs },
    { shown: bad, origin: 'https://good.example', account: A0.toLowerCase(), domain: 'evil.example', differs: ['domain'] },
  )
  assert.throws(() => create({ confirmSignIn: true }), { code: 'invalid-argument' })
})

test('typed data is signed in its version, given as text or as an object', async (t) => {
  const { ask, device } = await connected(t)
  for (const [method, version] of [
    ['eth_signTypedData_v3', 'V3'],
    ['eth_signTypedData_v4', 'V4'],
    ['eth_signTypedData', 'V4'],
  ]) {
    for (const document of [typed, JSON.stringify(typed)]) {
      assert.equal(await ask(method, [A0, document]), SIGNATURE)
      assert.deepEqual(device.calls.at(-1), [
        'signTypedData',
        typed,
        { path: "m/44'/60'/0'/0/0", from: A0, allowUnbound: false, acceptUnverified: true, version },
      ])
    }
  }
  await assert.rejects(ask('eth_signTypedData', [[{ type: 'string', name: 'a', value: 'b' }], A0]), { code: 4200 })
})

test('typed data for another chain is 4901', async (t) => {
  const { ask, device } = await connected(t)
  for (const chainId of [2, '2', '0x2', 2n]) {
    await assert.rejects(ask('eth_signTypedData_v4', [A0, { ...typed, domain: { chainId } }]), { code: 4901 }, String(chainId))
  }
  device.calls.length = 0
  for (const domain of [{ chainId: '0x1' }, { chainId: '1' }, { chainId: 1n }, {}])
    await ask('eth_signTypedData_v4', [A0, { ...typed, domain }])
  assert.equal(device.calls.length, 4)
})

test('malformed typed data is -32602 before anything is sent to the device', async (t) => {
  const { ask, device } = await connected(t)
  const cycle = { ...typed, message: {} }
  cycle.message.self = cycle
  let deep = {}
  for (let i = 0; i < 100; i++) deep = { deep }
  device.calls.length = 0
  for (const document of [
    undefined,
    null,
    5,
    '',
    'no json',
    '[]',
    '{}',
    [],
    {},
    cycle,
    { ...typed, message: deep },
    { ...typed, message: 'x' },
    { ...typed, types: [] },
    { ...typed, primaryType: 1 },
    { ...typed, domain: null },
    { ...typed, domain: { chainId: 'one' } },
    { ...typed, domain: { chainId: {} } },
    { ...typed, message: { text: 'x'.repeat(1 << 20) } },
    JSON.stringify({ ...typed, message: { text: 'x'.repeat(1 << 20) } }),
    { ...typed, message: Object.fromEntries(Array.from({ length: 200_000 }, (_, i) => [`key${i}`, 1])) },
    { ...typed, message: { f() {} } },
    `{"types":{},"primaryType":"A","domain":{},"message":{"n":12345678901234567890}}`,
  ]) {
    await assert.rejects(ask('eth_signTypedData_v4', [A0, document]), { code: -32602, data: reason('invalid-argument') }, typeof document)
  }
  assert.deepEqual(device.calls, [])
  await ask('eth_signTypedData_v4', [A0, '{"types":{},"primaryType":"A","domain":{},"message":{"__proto__":{"a":1}}}'])
  assert.deepEqual(Object.keys(device.calls[0][1].message), ['__proto__'], 'a key named __proto__ is an ordinary key')
})

test('typed data without a domain has one without fields', async (t) => {
  const { ask, device } = await connected(t)
  const { domain: _, ...document } = { ...typed, types: { Mail: typed.types.Mail } }
  assert.equal(await ask('eth_signTypedData_v4', [A0, document]), SIGNATURE)
  assert.deepEqual(device.calls.at(-1)[1], document)
})

test('with the primary type EIP712Domain, the message may be absent', async (t) => {
  const { ask, device } = await connected(t)
  const { types, domain } = typed
  for (const message of [undefined, null, {}]) {
    const document = { types, domain, primaryType: 'EIP712Domain', ...(message !== undefined && { message }) }
    for (const given of [document, JSON.stringify(document)]) {
      assert.equal(await ask('eth_signTypedData_v4', [A0, given]), SIGNATURE)
      assert.deepEqual(device.calls.at(-1)[1], document)
    }
    if (!message) await assert.rejects(ask('eth_signTypedData_v4', [A0, { ...document, primaryType: 'Mail' }]), { code: -32602 })
  }
})

test('changes that the page makes after the request have no effect', async (t) => {
  const { ask, device } = await connected(t)
  const document = structuredClone(typed)
  const asked = ask('eth_signTypedData_v4', [A0, document])
  await until(() => device.calls.length > 1)
  document.message.text = 'pay'
  await asked
  assert.equal(device.calls.at(-1)[1].message.text, 'hello')
})

test('malformed parameters are -32602, and a foreign account is 4100', async (t) => {
  const { ask, device } = await connected(t)
  device.calls.length = 0
  const wrongSum = A0.replace('6031', '6031').replace('E7b', 'E7B').replace('564e', '564E')
  for (const [method, params] of [
    ['personal_sign', undefined],
    ['personal_sign', []],
    ['personal_sign', ['0x00']],
    ['personal_sign', ['0x00', '0x1234']],
    ['personal_sign', ['0x00', wrongSum]],
    ['personal_sign', [5, A0]],
    ['personal_sign', [{}, A0]],
    ['personal_sign', [null, A0]],
    ['personal_sign', ['0x00', A0.slice(2)]],
    ['personal_sign', { message: '0x00', address: A0 }],
    ['eth_sign', [A0, 'text']],
    ['eth_sign', ['0x00', A0]],
    ['eth_signTypedData_v4', [typed, A0]],
    ['eth_signTypedData_v4', []],
  ]) {
    await assert.rejects(ask(method, params), { code: -32602, data: reason('invalid-argument') }, `${method} ${JSON.stringify(params)}`)
  }
  for (const [method, params] of [
    ['personal_sign', ['0x00', A1]],
    ['eth_sign', [A1, '0x00']],
    ['eth_signTypedData_v4', [A1, typed]],
    ['eth_sendTransaction', [{ from: A1, to: TO }]],
    ['eth_signTransaction', [{ from: A1, to: TO }]],
  ]) {
    await assert.rejects(ask(method, params), { code: 4100, data: reason('invalid-argument') }, method)
  }
  assert.deepEqual(device.calls, [])
})

test('signing needs a connection first', async (t) => {
  const { ask, usb, node } = await page(t)
  for (const [method, params] of [
    ['personal_sign', ['0x00', A0]],
    ['eth_signTypedData_v4', [A0, typed]],
    ['eth_sendTransaction', [{ to: TO }]],
  ]) {
    await assert.rejects(ask(method, params), { code: 4100, message: /eth_requestAccounts/ })
  }
  assert.deepEqual([usb.asked, node.asked], [[], []])
})

test('checksums of addresses are those of EIP-55', async (t) => {
  for (const address of [
    // the examples of EIP-55
    '0x52908400098527886E0F7030069857D2E4169EE7',
    '0x8617E340B3D01FA5F11F306F4090FD50E238070D',
    '0xde709f2102306220921060314715629080e2fb77',
    '0x27b1fdb04752bbc536007a920d24acb045561c26',
    '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed',
    '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359',
    '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB',
    '0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb',
  ]) {
    const { ask } = await connected(t, { devices: [wallet({ accounts: [address] })] })
    for (const given of [address, address.toLowerCase(), `0x${address.slice(2).toUpperCase()}`]) await ask('personal_sign', ['0x00', given])
    const flip = address.search(/[a-f]/) > 0 ? /[a-f](?!.*[a-f])/ : /[A-F](?!.*[A-F])/
    const wrong = address.replace(flip, (letter) => (letter === letter.toUpperCase() ? letter.toLowerCase() : letter.toUpperCase()))
    if (/[a-f]/.test(wrong) && /[A-F]/.test(wrong))
      await assert.rejects(ask('personal_sign', ['0x00', wrong]), { code: -32602, message: /EIP-55/ }, wrong)
  }
})

test('requests wait in a queue, and the device gets one at a time', async (t) => {
  const { ask, device } = await connected(t)
  const gates = []
  device.signMessage = (message) => {
    const gate = deferred()
    gates.push([message, gate])
    return gate.promise
  }
  const asked = ['one', 'two', 'three'].map((text) => ask('personal_sign', [text, A0]))
  for (const text of ['one', 'two', 'three']) {
    await until(() => gates.length > 0)
    const [message, gate] = gates.shift()
    assert.equal(message, text)
    assert.deepEqual(await ask('eth_accounts'), [A0], 'a request that needs no device does not wait')
    gate.resolve({ signature: text })
  }
  assert.deepEqual(await Promise.all(asked), ['one', 'two', 'three'])
  assert.equal(device.most, 1)
  await until(() => device.open === 0)
  assert.equal(device.opened, 2, 'once to connect, once for all three')
})

test('the device is released when no request needs it', async (t) => {
  const it = await connected(t)
  const { ask, device, usb } = it
  const gate = deferred()
  device.signMessage = async (text) => (text === 'one' && (await gate.promise), { signature: SIGNATURE })

  const controller = new AbortController()
  let first = ask('personal_sign', ['one', A0])
  await until(() => device.inUse === 1)
  const given = ask('personal_sign', ['two', A0], { signal: controller.signal })
  controller.abort()
  await assert.rejects(given, { data: reason('aborted', true) })
  gate.resolve()
  await first
  assert.equal(device.open, 0, 'an aborted request does not keep the device open')

  it.node.answers.eth_chainId = '0x2'
  const failed = [ask('personal_sign', ['two', A0]), ask('eth_sendTransaction', [{ to: TO }])]
  await failed[0]
  await assert.rejects(failed[1], { code: 4901 })
  assert.equal(device.open, 0, 'nor does a request that fails before it reaches the device')

  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  other.getAccount = () => {
    assert.equal(device.open, 0, 'the first device is released before another one is used')
    return { address: B0 }
  }
  usb.choice = async () => other
  const again = deferred()
  device.signMessage = () => again.promise
  first = ask('personal_sign', ['three', A0])
  await until(() => device.inUse === 1)
  const anew = ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  await until(() => it.events('interaction').at(-1)?.state === 'done')
  await new Promise(setImmediate)
  again.resolve({ signature: SIGNATURE })
  await first
  await anew
  assert.deepEqual([device.open, other.open], [0, 0])
})

test('a failed request does not stop the next one', async (t) => {
  const { ask, device } = await connected(t)
  device.signMessage = (message) => {
    if (message === 'no') throw device.error('user-rejected', { statusWord: 0x6940, retryable: true })
    return { signature: SIGNATURE }
  }
  const [no, yes] = await Promise.allSettled([ask('personal_sign', ['no', A0]), ask('personal_sign', ['yes', A0])])
  assert.deepEqual([no.reason.code, no.reason.data], [4001, { code: 'user-rejected', statusWord: 0x6940, retryable: true }])
  assert.equal(yes.value, SIGNATURE)
})

test('a signal ends a waiting request at once, and a request under way when the device is idle', async (t) => {
  const { ask, device } = await connected(t)
  const idle = deferred()
  let begun = false
  device.signMessage = (_, { signal }) =>
    new Promise((_, reject) => {
      begun = true
      signal.addEventListener('abort', () => idle.promise.then(() => reject(device.error('aborted', { retryable: true }))))
    })
  const [under, waiting] = [new AbortController(), new AbortController()]
  const first = ask('personal_sign', ['one', A0], { signal: under.signal })
  const second = ask('personal_sign', ['two', A0], { signal: waiting.signal })
  await until(() => begun)
  waiting.abort()
  await assert.rejects(second, { code: -32603, data: reason('aborted', true) })
  let settled = false
  first.catch(() => {
    settled = true
  })
  under.abort()
  await new Promise(setImmediate)
  assert.equal(settled, false, 'not before the device is idle')
  idle.resolve()
  await assert.rejects(first, { code: -32603, data: reason('aborted', true) })
  device.signMessage = undefined
  assert.equal(await ask('personal_sign', ['three', A0]), SIGNATURE)
  assert.deepEqual(
    device.calls.filter(([name]) => name === 'signMessage').map(([, text]) => text),
    ['one', 'three'],
  )
  await assert.rejects(ask('personal_sign', ['0x00', A0], { signal: AbortSignal.abort() }), { code: -32603, data: reason('aborted', true) })
})

test('a signal ends connecting for its own request only', async (t) => {
  const { ask, device } = await page(t)
  const gate = deferred()
  let begun = 0
  device.getAccount = ({ path, signal }) =>
    new Promise((resolve, reject) => {
      begun++
      void gate.promise.then(() => resolve({ address: A0, path }))
      signal.addEventListener('abort', () => reject(device.error('aborted', { retryable: true })))
    })
  const [one, two] = [new AbortController(), new AbortController()]
  const calls = [one, two].map(({ signal }) => ask('eth_requestAccounts', [], { signal }))
  await until(() => begun === 1)
  one.abort()
  await assert.rejects(calls[0], { data: reason('aborted', true) })
  gate.resolve()
  assert.deepEqual(await calls[1], [A0])

  await ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  device.getAccount = ({ signal }) =>
    new Promise((_, reject) => {
      begun++
      signal.addEventListener('abort', () => reject(device.error('aborted', { retryable: true })))
    })
  const controller = new AbortController()
  const alone = ask('eth_requestAccounts', [], { signal: controller.signal })
  await until(() => begun === 2)
  controller.abort()
  await assert.rejects(alone, { data: reason('aborted', true) })
  assert.equal(device.inUse, 0)
})

test('a request that comes while an aborted attempt to connect ends starts a new attempt', async (t) => {
  const { ask, device } = await page(t)
  const idle = deferred()
  let begun = false
  device.getAccount = ({ signal }) =>
    new Promise((_, reject) => {
      begun = true
      signal.addEventListener('abort', () => idle.promise.then(() => reject(device.error('aborted', { retryable: true }))))
    })
  const [given, later] = [new AbortController(), new AbortController()]
  const first = ask('eth_requestAccounts', [], { signal: given.signal })
  await until(() => begun)
  given.abort()
  const [second, third] = [ask('eth_requestAccounts'), ask('eth_requestAccounts')]
  const fourth = ask('eth_requestAccounts', [], { signal: later.signal })
  later.abort()
  await assert.rejects(fourth, { code: -32603, data: reason('aborted', true) })
  device.getAccount = undefined
  idle.resolve()
  await assert.rejects(first, { code: -32603, data: reason('aborted', true) })
  assert.deepEqual(await Promise.all([second, third]), [[A0], [A0]])
  assert.equal(device.calls.length, 2, 'one aborted attempt, and one for the two later requests')
})

test('interaction events say what the user has to do', async (t) => {
  const { ask, device, events } = await connected(t)
  const screen = { payment: '1.0 ETH', receiver: TO, fee: '0.000126 ETH' }
  const detail = { reason: 'confirm', operation: 'transaction', blind: false, screen }
  device.signTransaction = () => {
    device.tell('interaction', { state: 'waiting', ...detail })
    device.tell('interaction', { state: 'done', ...detail })
    return { raw: '0x02', hash: HASH }
  }
  await ask('eth_sendTransaction', [{ to: TO, value: '0xde0b6b3a7640000' }])
  assert.deepEqual(
    events('interaction'),
    ['waiting', 'done'].map((state) => ({ state, ...detail, method: 'eth_sendTransaction' })),
  )
})

test('an unplugged device is 4900, and is found without a reload when it is plugged in again', async (t) => {
  const { ask, device, usb, heard, events, provider, sdk } = await connected(t)
  device.signMessage = () => {
    usb.plug('disconnect', device)
    throw device.error('device-disconnected', { retryable: true })
  }
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4900, data: reason('device-disconnected', true) })
  const [error] = events('disconnect')
  assert.equal(events('disconnect').length, 1, 'one event')
  assert(error instanceof sdk.ProviderRpcError)
  assert.deepEqual([error.code, error.data], [4900, reason('device-disconnected', true)])
  assert.equal(provider.isConnected(), false)
  usb.devices = []
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4900, data: reason('device-disconnected', true) })
  assert.deepEqual(await ask('eth_accounts'), [A0], 'the dApp keeps its accounts')

  heard.length = 0
  const again = wallet()
  usb.devices = [again]
  usb.plug('connect', again)
  assert.deepEqual(heard, [], 'the device proves that it has the accounts first')
  await until(() => heard.length > 0)
  assert.deepEqual(heard, [['connect', { chainId: '0x1' }]])
  assert.equal(provider.isConnected(), true)
  assert.equal(await ask('personal_sign', ['0x00', A0]), SIGNATURE)
  assert.deepEqual(
    again.calls.map(([name]) => name),
    ['getAccount', 'signMessage'],
  )
})

test('a device that was plugged in without an event is found by the next request', async (t) => {
  const { ask, device, usb, events } = await connected(t)
  usb.plug('disconnect', device)
  usb.devices = [wallet({ serial: 'imKey2' }), wallet()]
  assert.equal(await ask('personal_sign', ['0x00', A0]), SIGNATURE)
  assert.deepEqual(events('connect'), [{ chainId: '0x1' }])
})

test('another device with the same serial number gets no connect event and no old accounts', async (t) => {
  const { ask, device, usb, heard, provider } = await connected(t)
  usb.plug('disconnect', device)
  heard.length = 0
  for (const status of ['bound', 'unbound']) {
    const other = wallet({ key: '04bb', accounts: [B0], status })
    usb.devices = [other]
    usb.plug('connect', other)
    await until(() => other.opened === 1 && other.open === 0)
    assert.deepEqual([heard, other.calls, provider.isConnected()], [[], [], false])
    const pay = ask('eth_sendTransaction', [{ to: TO }])
    for (const asked of [ask('personal_sign', ['0x00', A0]), ask('eth_signTypedData_v4', [A0, typed]), pay])
      await assert.rejects(asked, { code: 4900, data: reason('device-disconnected', true) })
    assert.deepEqual([heard, other.calls, other.open], [[], [], 0])
  }
  const [other] = usb.devices
  other.status = 'bound'
  assert.deepEqual(await ask('eth_requestAccounts'), [B0], 'the dApp may connect to it')
  assert.deepEqual(heard, [
    ['connect', { chainId: '0x1' }],
    ['accountsChanged', [B0]],
  ])
})

test('of two devices with the same serial number, the one with the accounts is used', async (t) => {
  for (const fails of [false, true]) {
    const { ask, device, usb } = await connected(t)
    usb.plug('disconnect', device)
    const [other, again] = [wallet({ key: '04bb', accounts: [B0] }), wallet()]
    if (fails) other.refuses = (host) => host.makeError('protocol', 'the device says protocol', undefined, false)
    usb.devices = [other, again]
    usb.plug('connect', other)
    assert.equal(await ask('personal_sign', ['0x00', A0]), SIGNATURE)
    assert.deepEqual([other.calls, other.open, again.open], [[], 0, 0])
  }
  const { ask, usb } = await page(t, { devices: [wallet(), wallet({ key: '04bb', accounts: [B0] })] })
  usb.choice = async () => usb.devices[1]
  assert.deepEqual(await ask('eth_requestAccounts'), [B0], 'the user chooses, if the serial number does not')
})

test('a device with another wallet than before loses the accounts when it is plugged in', async (t) => {
  for (const [wiped, code] of [
    [false, 4100],
    [true, 4100],
  ]) {
    const { ask, device, usb, heard, events } = await connected(t)
    usb.plug('disconnect', device)
    heard.length = 0
    const again = wallet({ accounts: [B0] })
    if (wiped) {
      again.getAccount = () => {
        throw again.error('wallet-missing')
      }
    }
    usb.devices = [again]
    usb.plug('connect', again)
    await until(() => heard.length > 0)
    assert.deepEqual(heard, [['accountsChanged', []]])
    await assert.rejects(ask('personal_sign', ['0x00', A0]), { code })
    again.getAccount = undefined
    assert.deepEqual(await ask('eth_requestAccounts'), [B0])
    assert.equal(events('connect').length, 1)
  }
})

test('a device in whose place another one answers is not connected any more', async (t) => {
  const { ask, device, usb, events, provider } = await connected(t)
  device.signMessage = () => {
    throw device.error('device-changed', { retryable: true })
  }
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { data: reason('device-changed', true) })
  assert.deepEqual([events('disconnect').length, provider.isConnected()], [1, false])
  const other = wallet({ key: '04bb', accounts: [B0] })
  usb.devices = [other]
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4900 })
  assert.deepEqual([other.calls, events('connect')], [[], []])
})

test('a device that cannot answer yet connects with the next request', async (t) => {
  const { ask, device, usb, heard } = await connected(t)
  usb.plug('disconnect', device)
  heard.length = 0
  const again = wallet()
  again.getAccount = () => {
    throw again.error('locked', { retryable: true })
  }
  usb.devices = [again]
  usb.plug('connect', again)
  await until(() => again.calls.length === 1 && again.open === 0)
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { data: reason('locked', true) })
  assert.deepEqual([heard, await ask('eth_accounts')], [[], [A0]])
  again.getAccount = undefined
  assert.equal(await ask('personal_sign', ['0x00', A0]), SIGNATURE)
  assert.deepEqual(heard, [['connect', { chainId: '0x1' }]])
})

test('another device that replaces the first one brings its own accounts', async (t) => {
  const { ask, device, usb, heard } = await connected(t)
  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  usb.plug('connect', other)
  await new Promise(setImmediate)
  assert.deepEqual(other.calls, [], 'it is not used while the first device is plugged in')
  usb.plug('disconnect', device)
  heard.length = 0
  usb.plug('connect', other)
  await until(() => heard.length === 2)
  assert.deepEqual(heard, [
    ['connect', { chainId: '0x1' }],
    ['accountsChanged', [B0]],
  ])
  assert.equal(await ask('personal_sign', ['0x00', B0]), SIGNATURE)
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4100 })
})

test('another device that is not bound is not used until the dApp asks', async (t) => {
  const { ask, device, usb, heard } = await connected(t, { pairing: () => assert.fail('no pairing was expected') })
  const other = wallet({ serial: 'imKey2', accounts: [B0], status: 'unbound' })
  usb.plug('disconnect', device)
  usb.devices = [other]
  heard.length = 0
  usb.plug('connect', other)
  await until(() => other.calls.length === 1 && other.open === 0)
  assert.deepEqual(heard, [])
  other.status = 'bound'
  assert.deepEqual(await ask('eth_requestAccounts'), [B0])
})

test('a revoked permission disconnects the device', async (t) => {
  for (const [number, code, more] of [
    [4900, 'device-disconnected', {}], // before the device is opened
    [4100, 'permission-denied', { data: { reason: 'revoked' } }], // while it is open
  ]) {
    const { ask, device, events, provider } = await connected(t)
    device.signMessage = () => {
      throw device.error(code, { retryable: true, ...more })
    }
    await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: number })
    assert.equal(events('disconnect').length, 1, code)
    assert.equal(provider.isConnected(), false)
  }
})

test('another wallet on the same device is 4100, and the old accounts are forgotten', async (t) => {
  for (const data of [{ reason: 'foreign-from' }, { at: 'from', reason: 'another' }]) {
    const { ask, device, events } = await connected(t)
    device.accounts = [B0]
    device.signMessage = () => {
      throw device.error('invalid-argument', { data })
    }
    await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4100 })
    assert.deepEqual(events('accountsChanged'), [[]])
    assert.deepEqual(await ask('eth_requestAccounts'), [B0])
  }
})

test('a waiting request for an account of the previous device is 4100, and the current device gets nothing', async (t) => {
  const { ask, device, usb, events } = await connected(t)
  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  other.signMessage = (_, { from }) => {
    if (from !== B0) throw other.error('invalid-argument', { data: { reason: 'foreign-from' } })
    return { signature: SIGNATURE }
  }
  usb.choice = async () => other
  const gate = deferred()
  device.signMessage = () => gate.promise
  const first = ask('personal_sign', ['one', A0])
  await until(() => device.inUse === 1)
  const anew = ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  await until(() => events('interaction').at(-1)?.state === 'done')
  await new Promise(setImmediate)
  const second = ask('personal_sign', ['two', A0])
  gate.resolve({ signature: SIGNATURE })
  assert.equal(await first, SIGNATURE)
  await anew
  await assert.rejects(second, { code: 4100, data: reason('invalid-argument') })
  assert.deepEqual(
    other.calls.map(([name]) => name),
    ['getAccount'],
    'it gets no request for an account of the other wallet',
  )
  assert.deepEqual(await ask('eth_accounts'), [B0])
  assert.deepEqual(events('accountsChanged'), [[B0]])
  assert.equal(await ask('personal_sign', ['three', B0]), SIGNATURE)
})

test('an error of a device that was replaced meanwhile does not remove the accounts of the current device', async (t) => {
  const { ask, device, usb, events } = await connected(t)
  device.signMessage = () => {
    usb.plug('disconnect', device)
    const again = wallet()
    usb.plug('connect', again) // the same device, plugged in again
    throw device.error('invalid-argument', { data: { reason: 'foreign-from' } })
  }
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4100 })
  assert.deepEqual(events('accountsChanged'), [])
  assert.deepEqual(await ask('eth_accounts'), [A0])
})

test('a revocation stops waiting requests, and requests that have not reached the device', async (t) => {
  const { ask, node, device } = await connected(t)
  const gate = deferred()
  device.signMessage = () => gate.promise
  const first = ask('personal_sign', ['one', A0])
  await until(() => device.inUse === 1)
  const waiting = [ask('personal_sign', ['two', A0]), ask('eth_signTypedData_v4', [A0, typed]), ask('eth_sendTransaction', [{ to: TO }])]
  for (const each of waiting) each.catch(() => {}) // a transaction does not wait for the device, and may be rejected at once
  const revoke = [{ eth_accounts: {} }]
  await ask('wallet_revokePermissions', revoke)
  gate.resolve({ signature: SIGNATURE })
  await first
  for (const each of waiting) await assert.rejects(each, { code: 4100 })
  assert.deepEqual(node.asked, [], 'nothing is sent to a node either')

  await ask('eth_requestAccounts')
  device.calls.length = device.opened = 0
  node.answers.eth_getTransactionCount = async () => (await ask('wallet_revokePermissions', revoke), '0x7')
  await assert.rejects(ask('eth_sendTransaction', [{ to: TO }]), { code: 4100 })
  assert.deepEqual([device.calls, device.opened], [[], 0])
})

test('after a revocation while the device is looked for or bound, nothing is signed', async (t) => {
  let it
  const revoke = () => it.ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  it = await connected(t, {
    pairing: async () => {
      await revoke()
      it.device.status = 'bound'
    },
  })
  it.device.status = 'unbound'
  await assert.rejects(it.ask('personal_sign', ['0x00', A0]), { code: 4100 })
  assert.equal(
    it.device.calls.filter(([name]) => name === 'signMessage').length,
    1,
    'only the request that found that the device is not bound',
  )

  it = await connected(t)
  it.usb.plug('disconnect', it.device)
  const devices = it.usb.getDevices
  it.usb.getDevices = async () => (await revoke(), devices.call(it.usb))
  await assert.rejects(it.ask('personal_sign', ['0x00', A0]), { code: 4100 })
  assert.equal(it.provider.isConnected(), false)
  assert.deepEqual(it.events('connect'), [])
})

test('typed data that waited while the chain was switched is 4901', async (t) => {
  const { url } = await fakeNode(t)
  const { ask, device } = await connected(t, {
    chains: [
      { chainId: 1, rpcUrls: [url] },
      { chainId: 2, rpcUrls: [url] },
    ],
  })
  const gate = deferred()
  device.signMessage = () => gate.promise
  const first = ask('personal_sign', ['one', A0])
  const second = ask('eth_signTypedData_v4', [A0, typed])
  await until(() => device.inUse === 1)
  await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  gate.resolve({ signature: SIGNATURE })
  await first
  await assert.rejects(second, { code: 4901 })
  assert(!device.calls.some(([name]) => name === 'signTypedData'))
})

test('an unbound device is bound within the request, or the request is 4100', async (t) => {
  for (const status of ['unbound', 'bound-elsewhere']) {
    const code = status === 'unbound' ? 'not-bound' : status
    const { ask } = await page(t, { devices: [wallet({ status })] })
    await assert.rejects(ask('eth_requestAccounts'), { code: 4100, data: reason(code) })

    let asked
    const it = await page(t, {
      devices: [wallet({ status })],
      pairing: async (request) => {
        asked = request
        assert.deepEqual(it.events('interaction'), [{ state: 'waiting', reason: 'pair', method: 'eth_requestAccounts' }])
        await assert.rejects(it.ask('eth_requestAccounts'), { code: -32002 })
        it.device.status = 'bound'
      },
    })
    assert.deepEqual(await it.ask('eth_requestAccounts'), [A0])
    assert(asked.imkey instanceof it.sdk.ImKey && asked.device instanceof it.sdk.Device && asked.signal instanceof AbortSignal)
    assert.deepEqual(it.events('interaction').at(-1), { state: 'done', reason: 'pair', method: 'eth_requestAccounts' })
  }
})

test('a lost binding is made again within the request that notices it', async (t) => {
  const it = await connected(t, {
    pairing: async () => {
      it.device.status = 'bound'
    },
  })
  it.device.status = 'bound-elsewhere'
  assert.equal(await it.ask('personal_sign', ['0x00', A0]), SIGNATURE)
})

test('a device that is unplugged while it is bound, and plugged in again, carries out the request', async (t) => {
  for (const method of ['eth_requestAccounts', 'personal_sign']) {
    for (const [key, works] of [
      ['04aa', true],
      ['04bb', false], // another device with the same serial number
    ]) {
      const it = await page(t, {
        pairing: async () => {
          it.usb.devices = []
          it.usb.plug('disconnect', it.device)
          const again = wallet({ key })
          it.usb.devices = [again]
          it.usb.plug('connect', again)
        },
      })
      if (method === 'personal_sign') await it.ask('eth_requestAccounts')
      it.device.status = 'unbound'
      const answer = it.ask(method, method === 'personal_sign' ? ['0x00', A0] : [])
      if (works) assert.deepEqual(await answer, method === 'personal_sign' ? SIGNATURE : [A0])
      else await assert.rejects(answer, { code: 4900, data: reason('device-disconnected', true) })
      const [again] = it.usb.devices
      await until(() => again.open === 0 && again.inUse === 0)
      assert.equal(
        again.calls.some(([name]) => name === 'signMessage'),
        works && method === 'personal_sign',
      )
      assert.equal(it.events('interaction').filter(({ reason }) => reason === 'pair').length, 2)
    }
  }
})

test('the user accepts the device of an imported binding within the request, and no other unverified device', async (t) => {
  for (const data of [{ reason: 'imported' }, undefined]) {
    let asked = 0
    const it = await connected(t, {
      pairing: async () => {
        asked++
        it.device.signMessage = sign
      },
    })
    const sign = it.device.signMessage
    it.device.signMessage = async () => {
      throw new it.sdk.ImKeyError('untrusted-device', 'untrusted', { ...(data && { data }) })
    }
    const signing = it.ask('personal_sign', ['0x00', A0])
    if (data) assert.equal(await signing, SIGNATURE)
    else await assert.rejects(signing, { code: 4100, data: reason('untrusted-device') })
    assert.equal(asked, data ? 1 : 0)
  }
})

test('a binding that the user cancels is 4001, and a binding without effect is not tried again', async (t) => {
  const it = await page(t, {
    devices: [wallet({ status: 'unbound' })],
    pairing: async () => {
      throw new it.sdk.ImKeyError('user-rejected', 'closed')
    },
  })
  await assert.rejects(it.ask('eth_requestAccounts'), { code: 4001, data: reason('user-rejected') })
  let asked = 0
  const vain = await page(t, {
    devices: [wallet({ status: 'unbound' })],
    pairing: async () => {
      asked++
    },
  })
  await assert.rejects(vain.ask('eth_requestAccounts'), { code: 4100, data: reason('not-bound') })
  assert.equal(asked, 1)
  const controller = new AbortController()
  const given = await page(t, { devices: [wallet({ status: 'unbound' })], pairing: () => new Promise(() => controller.abort()) })
  await assert.rejects(given.ask('eth_requestAccounts', [], { signal: controller.signal }), { data: reason('aborted', true) })
  assert.equal(given.device.open, 0)
})

test('a provider announces itself by EIP-6963', async (t) => {
  const { sdk, provider, create } = await page(t)
  const nowhere = sdk.announceProvider(provider)
  assert.equal(nowhere(), undefined, 'outside a browser it does nothing')
  globalThis.window = new EventTarget()
  t.after(() => {
    delete globalThis.window
  })
  const heard = []
  window.addEventListener('eip6963:announceProvider', (event) => heard.push(event.detail))
  const end = sdk.announceProvider(provider)
  assert.equal(heard.length, 1)
  window.dispatchEvent(new Event('eip6963:requestProvider'))
  assert.equal(heard.length, 2)
  const [{ info }] = heard
  assert(Object.isFrozen(heard[0]) && Object.isFrozen(info))
  assert.equal(heard[1].info.uuid, info.uuid)
  assert.equal(heard[0].provider, provider)
  assert.deepEqual(Object.keys(heard[0]).sort(), ['info', 'provider'])
  assert.deepEqual(Object.keys(info).sort(), ['icon', 'name', 'rdns', 'uuid'])
  assert.match(info.uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.match(info.icon, /^data:image\/svg\+xml,%3Csvg/)
  assert.match(info.rdns, /^[a-z.]+$/)
  end()
  window.dispatchEvent(new Event('eip6963:requestProvider'))
  assert.equal(heard.length, 2)
  sdk.announceProvider(provider)()
  assert.equal(heard[2].info.uuid, info.uuid, 'the same as long as the page exists')
  sdk.announceProvider(create(), { name: 'Mine' })()
  assert.notEqual(heard[3].info.uuid, info.uuid)
  assert.equal(heard[3].info.name, 'Mine')
  for (const [target, more] of [
    [null],
    [{}],
    [provider, null],
    [provider, { uuid: 'x' }],
    [provider, { icon: 'https://a.example/x.png' }],
    [provider, { name: ' ' }],
    [provider, { rdns: 'imkey' }],
  ]) {
    assert.throws(() => sdk.announceProvider(target, more), { code: 'invalid-argument' })
  }
})
