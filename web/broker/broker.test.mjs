// What a broker does for several sites, on the built imkey-broker.js and imkey.js.
import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { test } from 'node:test'
import {
  A,
  A0,
  A1,
  B,
  B0,
  broker,
  C,
  HASH,
  held,
  LOCAL,
  MemoryStorage,
  protocol,
  SIGNATURE,
  site,
  TO,
  until,
  wallet,
} from './testdata/world.js'

const payment = { from: A0, to: TO, value: '0x5' }
const signs = (device) => device.calls.filter(([name]) => name.startsWith('sign')).length

/** aborts is how a device carries out what it never finishes: it rejects when it is told to cancel. */
const aborts =
  (device) =>
  (_, { signal }) =>
    new Promise((_, reject) => {
      const stop = () => reject(device.error('aborted'))
      if (signal.aborted) stop()
      signal.addEventListener('abort', stop)
    })

/** code matches an error by its number and the code in its data. */
const code = (number, reason) => (error) => {
  assert.equal(error.code, number, error.message)
  if (reason !== undefined) assert.equal(error.data?.code, reason)
  return true
}

test('three sites use one binding, each is asked once, and one that is revoked gets 4100', async (t) => {
  const { broker: made, site, shown, device, storage } = await broker(t)
  const sites = [A, B, C].map(site)
  for (const each of sites) {
    assert.deepEqual((await each.welcome()).accounts, [])
    assert.deepEqual(await each.ask('eth_accounts'), [])
    await assert.rejects(each.ask('personal_sign', ['hi', A0]), code(4100))
    assert.deepEqual(await each.ask('eth_requestAccounts'), [A0])
    assert.deepEqual(await each.ask('eth_requestAccounts'), [A0], 'again, without a question')
    assert.equal(await each.ask('personal_sign', ['hi', A0]), SIGNATURE)
  }
  assert.deepEqual(
    shown.asked.map(({ origin, what }) => [origin, what.kind]),
    [A, B, C].flatMap((origin) => [
      [origin, 'accounts'],
      [origin, 'message'],
    ]),
  )
  assert.deepEqual(made.state.permissions.map(({ origin }) => origin).sort(), [A, B, C])
  assert.deepEqual(
    made.state.activity.map(({ origin, kind, account }) => [origin, kind, account]).reverse(),
    [A, B, C].map((origin) => [origin, 'message', A0]),
  )

  assert.deepEqual(
    made.state.permissions.map(({ chainId, chainName }) => [chainId, chainName]),
    Array.from(sites, () => [1, 'Ethereum']),
  )

  await made.revoke(B)
  const [a, b, c] = sites
  assert.deepEqual(await b.ask('eth_accounts'), [])
  assert.deepEqual(b.events.filter(([name]) => name === 'accountsChanged').at(-1), ['accountsChanged', []])
  await assert.rejects(b.ask('personal_sign', ['hi', A0]), code(4100))
  await assert.rejects(b.ask('eth_sendTransaction', [payment]), code(4100))
  for (const each of [a, c]) assert.equal(await each.ask('personal_sign', ['hi', A0]), SIGNATURE)
  assert.equal(signs(device), 5)
  assert.deepEqual(
    [...storage.values.keys()].filter((key) => key.startsWith('permission')),
    [`permission ${A}`, `permission ${C}`],
  )
})

test('the shell hears of a request that fails without a screen because its device is not there', async (t) => {
  const { site, shown, usb, device } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  await until(() => device.open === 0)
  const asked = shown.asked.length
  // As unplugged, and as a permission for USB that the user takes: to a page they are the same.
  usb.devices = []
  usb.plug('disconnect', device)
  for (const [method, params] of [
    ['personal_sign', ['hi', A0]],
    ['eth_sendTransaction', [payment]],
    ['wallet_sendCalls', [{ version: '2.0.0', chainId: '0x1', from: A0, atomicRequired: false, calls: [{ to: TO, value: '0x1' }] }]],
  ]) {
    await assert.rejects(a.ask(method, params), code(4900, 'device-disconnected'), method)
  }
  assert.deepEqual(shown.unreached, Array(3).fill('device-disconnected'))
  assert.equal(shown.asked.length, asked, 'the user was not asked')
  await assert.rejects(a.ask('personal_sign', ['hi', B0]), code(4100))
  await a.ask('eth_requestAccounts')
  assert.equal(shown.unreached.length, 3, 'only of a device that is not there')
})

test('nothing reaches the device without a consent', async (t) => {
  const { site, user, shown, device } = await broker(t)
  const a = site(A)
  user.answer = () => ({ yes: false })
  await assert.rejects(a.ask('eth_requestAccounts'), code(4001, 'user-rejected'))
  assert.deepEqual(device.calls, [], 'not even an address was read')
  assert.equal(device.opened, 0)
  user.answer = () => ({ yes: true })
  await a.ask('eth_requestAccounts')
  const before = device.calls.length
  for (const answer of [
    () => ({ yes: false }),
    () => ({ yes: 1 }),
    () => ({ yes: 'true' }),
    () => ({}),
    () => ({ id: 'another', yes: true }),
    () => ({ id: shown.asked[0].id, yes: true }), // an earlier consent
    () => Promise.reject(new Error('the window was closed')),
    () => null,
  ]) {
    user.answer = answer
    await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4001, 'user-rejected'))
    await assert.rejects(a.ask('eth_sendTransaction', [payment]), code(4001, 'user-rejected'))
    await assert.rejects(
      a.ask('eth_signTypedData_v4', [
        A0,
        JSON.stringify({ types: { EIP712Domain: [] }, primaryType: 'EIP712Domain', domain: {}, message: {} }),
      ]),
      code(4001),
    )
  }
  assert.equal(device.calls.length, before)
})

test('the screen shows exactly what is signed', async (t) => {
  const { site, shown, device, node } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  assert.equal(await a.ask('eth_sendTransaction', [payment]), HASH)
  const review = shown.asked.at(-1)
  const { what } = JSON.parse(JSON.stringify(review))
  const [, signed] = device.calls.find(([name]) => name === 'signTransaction')
  assert.deepEqual(what, JSON.parse(JSON.stringify(review.what)), 'it is JSON')
  assert.deepEqual(what.transaction, JSON.parse(JSON.stringify(signed)))
  assert.deepEqual(
    { ...what, transaction: 0, description: 0 },
    {
      kind: 'transaction',
      account: { address: A0, path: "m/44'/60'/0'/0/0" },
      chain: { id: 1, name: 'Ethereum', nativeCurrency: { symbol: 'ETH', decimals: 18 }, known: true, node: new URL(node.url).host },
      transaction: 0,
      description: 0,
      sends: true,
    },
  )
  assert.match(review.id, /^[0-9a-f]{32}$/)
  assert.equal(review.since, (await a.welcome(), shown.asked[1].since))
  await a.ask('personal_sign', ['0x00ff', A0])
  assert.deepEqual(shown.asked.at(-1).what, {
    kind: 'message',
    account: what.account,
    message: '0x00ff',
    isText: false,
    description: { blind: false, digest: '0x00' },
  })
  const says = [
    ['0x48656c6c6f0a', 'Hello\n', true], // as libraries send text
    ['0x4772c3bcc39f65', 'Grüße', true],
    ['Hello', 'Hello', true],
    ['0x', '', true],
    ['0x4800', '0x4800', false],
    [`0x${'00'.repeat(32)}`, `0x${'00'.repeat(32)}`, false],
    ['0xefbbbf48', '\ufeffH', true], // nothing is left out
  ]
  for (const [sent, message, isText] of says) {
    await a.ask('personal_sign', [sent, A0])
    const { what } = shown.asked.at(-1)
    assert.deepEqual([what.message, what.isText], [message, isText], sent)
  }
  assert.deepEqual(Object.keys(shown.states.at(-1).activity.find(({ kind }) => kind === 'transaction')).sort(), [
    'account',
    'at',
    'chainId',
    'chainName',
    'hash',
    'kind',
    'origin',
    'payment',
    'receiver',
  ])
})

test('requests of several sites wait for their turn, and one screen is shown at a time', async (t) => {
  const { site, user, shown, broker: made, device } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const hold = held()
  user.answer = () => hold.promise
  const requests = [a.ask('personal_sign', ['1', A0]), b.ask('personal_sign', ['2', A0]), a.ask('eth_sendTransaction', [payment])]
  await until(() => shown.showing === 1 && made.state.queue.length === 3)
  assert.deepEqual(made.state.queue, [
    { origin: A, method: 'personal_sign' },
    { origin: B, method: 'personal_sign' },
    { origin: A, method: 'eth_sendTransaction' },
  ])
  assert.deepEqual(await b.ask('eth_accounts'), [A0], 'what does not ask the user does not wait')
  assert.equal(await b.ask('eth_gasPrice'), '0x3b9aca00')
  user.answer = () => ({ yes: true })
  hold.release({ yes: true })
  assert.deepEqual(await Promise.all(requests), [SIGNATURE, SIGNATURE, HASH])
  assert.equal(shown.most, 1)
  assert.equal(device.most, 1)
  assert.deepEqual(made.state.queue, [])
})

test('each site has its own accounts and its own chain', async (t) => {
  const { site, user, node, broker: made } = await broker(t)
  node.answers.eth_chainId = () => '0x1'
  const [a, b, again] = [site(A), site(B), site(A)]
  await a.ask('eth_requestAccounts')
  user.answer = ({ choices }) => (choices ? { yes: true, accounts: [1, 0, 1, 99] } : { yes: true })
  assert.deepEqual(await b.ask('eth_requestAccounts'), [A1, A0])
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  await assert.rejects(a.ask('personal_sign', ['hi', A1]), code(4100))
  assert.equal(await b.ask('personal_sign', ['hi', A1]), SIGNATURE)
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  assert.equal(await a.ask('eth_chainId'), '0x5')
  assert.equal(await again.ask('eth_chainId'), '0x5', 'the tabs of a site share it')
  assert.deepEqual(again.events.at(-1), ['chainChanged', '0x5'])
  assert.equal(await b.ask('eth_chainId'), '0x1')
  assert.deepEqual(
    b.events.filter(([name]) => name === 'chainChanged'),
    [],
  )
  assert.deepEqual(made.state.permissions.find(({ origin }) => origin === A).chainId, 5)
})

test('the nodes of a site are not the wallet itself, and its chains are bounded', async (t) => {
  const made = await broker(t)
  const a = made.site(LOCAL)
  await a.ask('eth_requestAccounts')
  const chain = (id, ...rpcUrls) => ({
    chainId: `0x${id.toString(16)}`,
    chainName: 'X',
    rpcUrls,
    nativeCurrency: { name: 'X', symbol: 'XYZ', decimals: 18 },
  })
  for (const url of ['/rpc', './rpc', '../rpc', '//rpc.example/1']) {
    await assert.rejects(a.ask('wallet_addEthereumChain', [chain(54321, url)]), code(-32602), url)
    await assert.rejects(a.ask('wallet_addEthereumChain', [chain(54321, made.node.url, url)]), code(-32602), url)
  }
  let asked
  made.node.answers.eth_chainId = () => asked
  for (let n = 0; n < 33; n++) {
    asked = `0x${(70_000 + n).toString(16)}`
    const added = a.ask('wallet_addEthereumChain', [chain(70_000 + n, made.node.url)])
    await (n < 32 ? added : assert.rejects(added, code(-32602)))
  }
})

test('a chain that a site added and selected is there after a restart, for that site alone', async (t) => {
  const storage = new MemoryStorage()
  const first = await broker(t, { storage })
  first.node.answers.eth_chainId = () => '0xd431'
  const a = first.site(LOCAL)
  await a.ask('eth_requestAccounts')
  const chain = {
    chainId: '0xd431',
    chainName: 'Test chain',
    rpcUrls: [first.node.url],
    nativeCurrency: { name: 'X', symbol: 'XYZ', decimals: 18 },
  }
  await a.ask('wallet_addEthereumChain', [chain])
  a.gone()
  const second = await broker(t, { storage })
  const [again, b] = [second.site(LOCAL), second.site(B)]
  assert.equal((await again.welcome()).chainId, '0xd431')
  assert.equal(await again.ask('eth_chainId'), '0xd431')
  await again.ask('eth_sendTransaction', [payment])
  assert.equal(second.shown.asked.at(-1).what.chain.name, 'Test chain')
  assert.equal(second.shown.asked.at(-1).what.chain.known, false)
  await assert.rejects(b.ask('wallet_switchEthereumChain', [{ chainId: '0xd431' }]), code(4902))
  await again.ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  const key = `permission ${LOCAL}`
  const record = storage.values.get(key)
  assert.equal(record.chain, undefined)
  storage.values.set(key, { ...record, chainId: 54321, chain: { ...chain, chainId: 54321, extra: 1 } })
  const third = await broker(t, { storage })
  assert.deepEqual((await third.site(LOCAL).welcome()).accounts, [], 'what does not fit is left out')
})

test('what is no address in a list of nodes is left out, and a long one does not cost the site its permission', async (t) => {
  const storage = new MemoryStorage()
  const { site, node } = await broker(t, { storage })
  node.answers.eth_chainId = () => '0xd431'
  const chain = { chainId: '0xd431', nativeCurrency: { name: 'X', symbol: 'XYZ', decimals: 18 } }
  for (const odd of [
    '',
    ' ',
    'not an address',
    'rpc.example/1',
    null,
    1,
    'wss://node.example',
    'https://${KEY}',
    `${node.url}?${'x'.repeat(3000)}`,
  ]) {
    const a = site(LOCAL)
    await a.ask('eth_requestAccounts')
    await a.ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
    assert.equal(await a.ask('wallet_addEthereumChain', [{ ...chain, rpcUrls: [odd, node.url] }]), null, String(odd).slice(0, 50))
    a.gone()
    const again = (await broker(t, { storage })).site(LOCAL)
    assert.equal((await again.welcome()).chainId, '0xd431', String(odd).slice(0, 50))
    again.gone()
  }
})

test('a site cannot have the wallet ask more nodes of a chain than a message names', async (t) => {
  const { site, node } = await broker(t)
  const a = site(LOCAL)
  await a.ask('eth_requestAccounts')
  const rpcUrls = Array.from({ length: 100 }, (_, n) => `${node.url}/${n}`)
  node.asked.length = 0
  const chain = { chainId: '0xd431', rpcUrls, nativeCurrency: { name: 'X', symbol: 'XYZ', decimals: 18 } }
  await assert.rejects(a.ask('wallet_addEthereumChain', [chain]), code(-32602))
  assert.equal(node.asked.length, 16)
})

test('a request is for the chain that it names', async (t) => {
  const { site, node, shown, device } = await broker(t, { chains: false })
  const a = site(LOCAL)
  const chain = (id) => ({ chainId: id, rpcUrls: [node.url], nativeCurrency: { symbol: 'XYZ', decimals: 18 }, chainName: 'Test ‮chain' })
  node.answers.eth_chainId = () => '0xd431'
  await a.ask('eth_requestAccounts', [], { chain: chain(54321) })
  assert.equal(
    await a.ask('eth_sendTransaction', [payment], { chain: { ...chain(54321), chainName: 'Test chain', maxFee: '0xffffffffffffffff' } }),
    HASH,
  )
  assert.deepEqual(shown.asked.at(-1).what.chain, {
    id: 54321,
    name: 'Test chain',
    nativeCurrency: { symbol: 'XYZ', decimals: 18 },
    known: false,
    node: new URL(node.url).host,
  })
  assert.equal(device.calls.find(([name]) => name === 'signTransaction')[1].chainId, '0xd431')
  await assert.rejects(a.ask('eth_sendTransaction', [payment], { chain: { ...chain(54321), maxFee: '0x1' } }), code(-32603, 'protocol'))
  await assert.rejects(a.ask('eth_sendTransaction', [payment], { chain: { ...chain(54321), rpcUrls: ['ftp://x'] } }), code(-32602))
  assert.equal(await a.ask('personal_sign', ['hi', A0], { chain: chain(7) }), SIGNATURE)
  await assert.rejects(
    a.ask(
      'eth_signTypedData_v4',
      [A0, JSON.stringify({ types: { EIP712Domain: [] }, primaryType: 'EIP712Domain', domain: { chainId: 8 } })],
      { chain: chain(7) },
    ),
    code(4901),
  )
})

test('a site names nodes where it is itself, or everywhere, and none nearer to the user', async (t) => {
  const { site, node } = await broker(t)
  node.answers.eth_chainId = () => '0xd431'
  const asked = () => node.asked.length
  const { port } = new URL(node.url)
  const own = [`http://127.0.0.1:${port}`, `http://localhost:${port}`, `http://a.localhost:${port}`, `http://127.1:${port}`]
  const machine = own.concat(
    'https://localhost https://localhost.:1 https://LOCALHOST http://127.0.0.53 https://2130706433 https://[::1] https://0.0.0.0'.split(
      ' ',
    ),
    'https://[::] https://[::ffff:127.0.0.1] https://[::ffff:7f00:1] https://[0:0:0:0:0:ffff:127.9.9.9] https://0x7f.1'.split(' '),
  )
  const network = [
    'http://192.168.1.5 https://10.0.0.1 https://172.16.0.1 https://169.254.169.254 https://100.64.0.1 https://nas.local https://router',
    'https://[fd00::1] https://[fe80::1] https://[::ffff:10.0.0.1] https://nas.local. https://box.home.arpa https://x.internal',
  ].flatMap((line) => line.split(' '))
  const chain = (url) => ({ chainId: 54321, rpcUrls: [url], nativeCurrency: { symbol: 'XYZ', decimals: 18 } })
  const add = (url) => ({ ...chain(url), chainId: '0xd431' })
  const refused = async (origin, url) => {
    const a = site(origin)
    const before = asked()
    const not = (error) =>
      error.code === -32602 && error.data.code === 'invalid-argument' && /this computer|private network/.test(error.message)
    const socket = url.replace('http', 'ws')
    for (const [method, params, more] of [
      ['wallet_addEthereumChain', [add(url)]],
      ['wallet_addEthereumChain', [{ ...add('https://node.example'), rpcUrls: ['https://node.example', url] }]],
      ['wallet_addEthereumChain', [{ ...add('https://node.example'), webSocketUrl: socket }]],
      ['wallet_addEthereumChain', [{ ...add('https://node.example'), rpcUrls: [{ url, headers: { 'x-key': 'x' } }] }]],
      ['eth_blockNumber', [], { chain: chain(url) }],
      ['eth_requestAccounts', [], { chain: { ...chain('https://node.example'), webSocketUrl: socket } }],
    ]) {
      await assert.rejects(a.ask(method, params, more), not, `${origin} ${method} ${url}`)
    }
    assert.equal(asked(), before, `${url} was asked`)
    a.gone()
  }
  for (const url of [...machine, ...network]) await refused(A, url)
  for (const url of machine) await refused('https://192.168.1.7', url)
  for (const origin of [LOCAL, 'http://127.0.0.1:8080', 'http://[::1]', 'https://app.localhost']) {
    const a = site(origin)
    await a.ask('wallet_addEthereumChain', [add(own[0])])
    assert.equal(await a.ask('eth_chainId'), '0xd431')
    a.gone()
  }
})

test('a node of a site does not send the wallet on to another address', async (t) => {
  const { site, node } = await broker(t)
  node.answers.eth_chainId = () => '0xd431'
  const before = node.asked.length
  const server = createServer((_, response) => response.writeHead(307, { location: node.url }).end())
  await new Promise((go) => server.listen(0, '127.0.0.1', go))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${server.address().port}`
  const a = site(LOCAL)
  const chain = { chainId: '0xd431', rpcUrls: [url], nativeCurrency: { symbol: 'XYZ', decimals: 18 } }
  await assert.rejects(a.ask('wallet_addEthereumChain', [chain]), code(-32603, 'node-unreachable'))
  assert.equal(node.asked.length, before)
})

test('sign-in messages are checked against the origin of the browser', async (t) => {
  const { site, user, shown, device } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const signIn = (domain) =>
    `${domain} wants you to sign in with your Ethereum account:\n${A0}\n\n\nURI: https://${domain}\nVersion: 1\nChain ID: 1\nNonce: 12345678\nIssued At: 2026-01-01T00:00:00Z`
  assert.equal(await a.ask('personal_sign', [signIn('a.example'), A0]), SIGNATURE)
  assert.deepEqual(shown.asked.at(-1).what.signIn.differs, [])
  assert.equal(shown.asked.at(-1).what.signIn.origin, A)
  const before = signs(device)
  await assert.rejects(a.ask('personal_sign', [signIn('b.example'), A0]), code(4100))
  assert.deepEqual(shown.asked.at(-1).what.signIn.differs, ['domain', 'uri'])
  for (const override of [false, 1, 'true', {}]) {
    user.answer = () => ({ yes: true, override })
    await assert.rejects(a.ask('personal_sign', [signIn('b.example'), A0]), code(4100))
  }
  assert.equal(signs(device), before)
  user.answer = () => ({ yes: true, override: true })
  assert.equal(await a.ask('personal_sign', [signIn('b.example'), A0]), SIGNATURE)
})

test('a port that dies takes its requests with it, and the next one works', async (t) => {
  for (const during of ['waiting', 'asking', 'device', 'node']) {
    const { site, user, shown, device, node, broker: made } = await broker(t)
    const [a, b] = [site(A), site(B)]
    await a.ask('eth_requestAccounts')
    await b.ask('eth_requestAccounts')
    const hold = held()
    let signal
    if (during === 'waiting' || during === 'asking') user.answer = (_, given) => ((signal = given), hold.promise)
    if (during === 'device') {
      device.signMessage = aborts(device)
    }
    if (during === 'node') node.answers.eth_estimateGas = () => hold.promise
    if (during === 'waiting') b.ask('personal_sign', ['first', A0])
    const request = during === 'node' ? a.begin('eth_sendTransaction', [payment]) : a.begin('personal_sign', ['mine', A0])
    await until(() =>
      during === 'device'
        ? device.inUse === 1
        : during === 'node'
          ? node.methods().includes('eth_estimateGas')
          : shown.showing === 1 && made.state.queue.length === (during === 'waiting' ? 2 : 1),
    )
    const got = a.got.length
    a.gone()
    a.gone()
    if (during === 'waiting') {
      await until(() => made.state.queue.length === 1)
      assert.equal(signal.aborted, false, "the other site's screen stays")
      b.gone()
    }
    await until(() => made.state.queue.length === 0 && device.inUse === 0)
    if (during === 'asking') assert.equal(signal.aborted, true, 'the screen closes')
    assert.equal(a.counts.get(request.id), undefined, 'a dead port is not answered')
    assert.equal(a.got.length, got)
    hold.release(during === 'node' ? '0x5208' : { yes: true })
    device.signMessage = undefined
    user.answer = () => ({ yes: true })
    const next = site(A)
    assert.deepEqual((await next.welcome()).accounts, [A0], 'the permission stays')
    assert.equal(await next.ask('personal_sign', ['next', A0]), SIGNATURE, during)
    assert.equal(device.open, 0, 'the device is released')
  }
})

test('a request that is cancelled, by the site or on the screen, stops the device', async (t) => {
  const { site, user, shown, device, broker: made } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const signing = () =>
    new Promise((resolve) => {
      device.signMessage = (_, { signal }) => {
        resolve()
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(device.error('aborted'))))
      }
    })
  let begun = signing()
  let request = a.begin('personal_sign', ['hi', A0])
  await begun
  request.cancel()
  request.cancel()
  await assert.rejects(request.answer, (error) => error.data.code === 'aborted')
  begun = signing()
  request = a.begin('personal_sign', ['hi', A0])
  await begun
  made.cancel('another')
  made.cancel(shown.asked.at(-1).id)
  await assert.rejects(request.answer, code(4001, 'user-rejected'))
  assert.deepEqual(shown.settled.at(-1), ['message', { done: false, code: 'user-rejected' }])
  user.answer = (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  request = a.begin('personal_sign', ['hi', A0])
  await until(() => shown.showing === 1)
  request.cancel()
  await assert.rejects(request.answer, (error) => error.data.code === 'aborted')
  assert.deepEqual([...a.counts.values()], a.counts.size === 0 ? [] : Array(a.counts.size).fill(1), 'each is settled once')
})

test('a connecting that the user cancels ends for all that wait for it', async (t) => {
  const { site, shown, device, broker: made } = await broker(t)
  const [a, again] = [site(A), site(A)]
  device.getAccount = (options) =>
    new Promise((_, reject) => options.signal.addEventListener('abort', () => reject(device.error('aborted'))))
  const both = [a.begin('eth_requestAccounts'), again.begin('eth_requestAccounts')]
  await until(() => device.inUse === 1)
  assert.equal(shown.asked.length, 1, 'one question for both tabs')
  made.cancel(shown.asked[0].id)
  for (const { answer } of both) await assert.rejects(answer, code(4001, 'user-rejected'))
  assert.deepEqual(made.state.permissions, [])
  device.getAccount = undefined
  assert.deepEqual(await a.ask('eth_requestAccounts'), [A0])
  assert.deepEqual(await again.ask('eth_accounts'), [A0])
})

test('revoking ends what the site has under way, with 4100', async (t) => {
  const { site, user, shown, device, broker: made } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const before = signs(device)
  user.answer = (_, signal) => new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
  const requests = [a.ask('personal_sign', ['1', A0]), a.ask('personal_sign', ['2', A0])]
  await until(() => shown.showing === 1)
  await made.revoke(A)
  for (const request of requests) await assert.rejects(request, code(4100))
  assert.equal(signs(device), before)
  user.answer = () => ({ yes: true })
  assert.equal(await b.ask('personal_sign', ['hi', A0]), SIGNATURE)
  await a.ask('eth_requestAccounts')
  await a.ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  assert.deepEqual(
    made.state.permissions.map(({ origin }) => origin),
    [B],
    'the site itself can give it back',
  )
})

test('rejecting all rejects what else the site has in the queue, and nothing of others', async (t) => {
  const { site, user, shown, broker: made } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const hold = held()
  user.answer = ({ origin }) => (origin === A ? hold.promise : { yes: true })
  const mine = Array.from({ length: 10 }, (_, i) => a.ask('personal_sign', [`${i}`, A0]))
  const other = b.ask('personal_sign', ['b', A0])
  await until(() => made.state.queue.length === 11)
  const asked = shown.asked.length
  hold.release({ yes: false, all: true })
  for (const request of mine) await assert.rejects(request, code(4001, 'user-rejected'))
  assert.equal(await other, SIGNATURE)
  assert.equal(shown.asked.length, asked + 1, 'nine of ten were not asked for')
})

test('permissions, chain and activity outlive the broker, and what is stored is checked', async (t) => {
  const storage = new MemoryStorage()
  const first = await broker(t, { storage })
  const a = first.site(A)
  await a.ask('eth_requestAccounts')
  await a.ask('personal_sign', ['a secret message', A0])
  await a.ask('eth_sendTransaction', [payment])
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  first.broker.close('broker-gone')
  const kept = JSON.stringify([...storage.values])
  for (const secret of ['secret message', SIGNATURE, 'cdcdcd']) assert.ok(!kept.includes(secret), secret)

  const good = structuredClone(storage.values.get(`permission ${A}`))
  const bad = [
    [`permission ${B}`, good], // of another origin
    [`permission ${B}`, { ...good, origin: B, accounts: [] }],
    [`permission ${B}`, { ...good, origin: B, accounts: [{ address: 'x', path: 'm/0' }] }],
    [`permission ${B}`, { ...good, origin: B, extra: 1 }],
    [`permission ${B}`, { ...good, origin: B, since: '5' }],
    [`permission null`, { ...good, origin: 'null' }],
    [`permission http://b.example`, { ...good, origin: 'http://b.example' }],
    [`permission ${B}`, null],
    [`permission ${B}`, JSON.parse(`{"__proto__":${JSON.stringify({ ...good, origin: B })}}`)],
  ]
  for (const [key, value] of bad) {
    storage.values.set(key, value)
    const { broker: made, site } = await broker(t, { storage })
    const [a, b] = [site(A), site(B)]
    assert.deepEqual((await a.welcome()).accounts, [A0])
    assert.equal((await a.welcome()).chainId, '0x5')
    assert.deepEqual((await b.welcome()).accounts, [], JSON.stringify([key, value]))
    assert.deepEqual(
      made.state.permissions.map(({ origin, since }) => [origin, since]),
      [[A, good.since]],
    )
    assert.equal(made.state.activity.length, 2)
    storage.values.delete(key)
  }
})

test('after a restart, the first signature needs no new question for the accounts', async (t) => {
  const storage = new MemoryStorage()
  const first = await broker(t, { storage })
  await first.site(A).ask('eth_requestAccounts')
  const second = await broker(t, { storage })
  const a = second.site(A)
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
  assert.deepEqual(
    second.shown.asked.map(({ what }) => what.kind),
    ['message'],
  )
})

test('a broker that was stopped while the device asked cancels that first', async (t) => {
  const storage = new MemoryStorage()
  const first = await broker(t, { storage })
  const a = first.site(A)
  await a.ask('eth_requestAccounts')
  const asks = () => [...storage.values.keys()].some((key) => key.startsWith('asking'))
  await until(() => !asks())
  first.device.signMessage = () => new Promise(() => {})
  a.ask('personal_sign', ['hi', A0])
  await until(() => first.device.inUse === 1)
  await until(asks)
  // The first broker is stopped here, in the middle.
  const second = await broker(t, { storage })
  await until(() => second.device.opened === 1)
  await until(() => second.device.open === 0 && !asks())
  const third = await broker(t, { storage })
  await third.site(A).ask('eth_accounts')
  assert.equal(third.device.opened, 0, 'otherwise no device is opened at the start')
})

test('the end of a request in one window says nothing about the device that another window uses', async (t) => {
  const storage = new MemoryStorage()
  const notes = () => [...storage.values.keys()].filter((key) => key.startsWith('asking'))
  const first = await broker(t, { storage })
  const a = first.site(A)
  await a.ask('eth_requestAccounts')
  await until(() => notes().length === 0)
  first.device.signMessage = () => new Promise(() => {})
  a.ask('personal_sign', ['hi', A0])
  await until(() => first.device.inUse === 1 && notes().length === 1)
  const own = notes()
  // The other window cannot open the device while the first one uses it.
  const device = wallet({})
  device.refuses = (host) => host.makeError('in-use-elsewhere', 'another window has it', undefined, true)
  const second = await broker(t, { storage, devices: [device] })
  const b = second.site(A)
  await b.welcome()
  await assert.rejects(b.ask('personal_sign', ['hi', A0]), (error) => error.data.code === 'in-use-elsewhere')
  device.refuses = undefined
  assert.equal(await b.ask('personal_sign', ['hi', A0]), SIGNATURE)
  await until(() => second.device.inUse === 0 && notes().length === 1)
  assert.deepEqual(notes(), own, 'the first window still asks')
  // Both windows are gone, the first one while its device asked: the next one cancels that.
  const third = await broker(t, { storage })
  await until(() => third.device.opened === 1 && third.device.open === 0 && notes().length === 0)
})

test('the activity is bounded and erasable', async (t) => {
  const storage = new MemoryStorage()
  for (let i = 0; i < 250; i++) {
    storage.values.set(`activity ${String(i).padStart(16, '0')} ${i}`, { at: i, origin: i % 2 ? A : B, kind: 'message', account: A0 })
  }
  storage.values.set('activity damaged', { at: 'never' })
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  await a.ask('personal_sign', ['hi', A0])
  assert.equal(made.state.activity.length, 200)
  assert.ok(made.state.activity[0].at > 1e12 && made.state.activity[1].at === 249, 'the newest first')
  await made.erase(A)
  assert.ok(made.state.activity.length > 0 && made.state.activity.every(({ origin }) => origin === B))
  await made.erase()
  assert.deepEqual(made.state.activity, [])
  await until(() => ![...storage.values.keys()].some((key) => key.startsWith('activity')))
})

test('what another window changed is followed', async (t) => {
  const storage = new MemoryStorage()
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  const record = storage.values.get(key)
  storage.values.delete(key)
  for (const watcher of storage.watchers) watcher(key)
  await until(() => made.state.permissions.length === 0)
  assert.deepEqual(await a.ask('eth_accounts'), [])
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4100))
  storage.values.set(key, { ...record, accounts: [{ address: A1, path: "m/44'/60'/0'/0/1" }] })
  for (const watcher of storage.watchers) watcher(key)
  await until(() => made.state.permissions.length === 1)
  assert.deepEqual(await a.ask('eth_accounts'), [A1])
  storage.values.clear()
  for (const watcher of storage.watchers) watcher(undefined)
  await until(() => made.state.permissions.length === 0)
  assert.deepEqual(await a.ask('eth_accounts'), [])
})

test('storage that cannot be read takes no permission away', async (t) => {
  const storage = new MemoryStorage()
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  let failed = 0
  storage.list = async () => {
    failed++
    throw new Error('the service worker does not answer')
  }
  for (const watcher of storage.watchers) {
    watcher(key)
    watcher(undefined)
  }
  await until(() => failed >= 2)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(made.state.permissions.length, 1)
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
})

test('accounts that another window took away cannot be kept by a request that does not end', async (t) => {
  const storage = new MemoryStorage()
  const { site, node, device } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  const answer = held()
  node.answers.eth_getBalance = () => answer.promise
  const slow = a.ask('eth_getBalance', [A0, 'latest'])
  await until(() => node.methods().includes('eth_getBalance'))
  storage.values.set(key, { ...storage.values.get(key), accounts: [{ address: A1, path: "m/44'/60'/0'/0/1" }] })
  for (const watcher of storage.watchers) watcher(key)
  await until(() => a.events.some(([name, payload]) => name === 'accountsChanged' && payload[0] === A1))
  assert.deepEqual(await a.ask('eth_accounts'), [A1])
  const before = device.calls.length
  await assert.rejects(a.ask('personal_sign', ['0x6869', A0]), code(4100))
  assert.equal(device.calls.length, before)
  assert.equal(storage.values.get(key).accounts[0].address, A1)
  answer.release('0x5')
  assert.equal(await slow, '0x5')
  assert.equal(storage.values.get(key).accounts[0].address, A1)
})

test('what another window revoked is not stored again by a request here', async (t) => {
  const storage = new MemoryStorage()
  const { site, broker: made } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() + 60_000 })
  storage.values.delete(key) // this window is not told yet
  await a.ask('personal_sign', ['0x6869', A0])
  await a.ask('eth_chainId')
  await until(() => made.state.activity.length === 1)
  assert.equal(storage.values.has(key), false)
  for (const watcher of storage.watchers) watcher(key)
  await until(() => made.state.permissions.length === 0)
  assert.equal(storage.values.has(key), false)
})

test('no change of a permission stores it again after another window revoked it', async (t) => {
  const storage = new MemoryStorage()
  const { site, broker: made } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  storage.values.delete(key) // this window is not told yet
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  await until(() => made.state.permissions.length === 0)
  assert.equal(storage.values.has(key), false)
  assert.deepEqual(await a.ask('eth_accounts'), [])
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4100))

  // A permission that is given anew counts.
  assert.deepEqual(await a.ask('eth_requestAccounts'), [A0])
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  await until(() => storage.values.get(key)?.chainId === 1)
  assert.equal(made.state.permissions.length, 1)
})

test('what a user is asked for a site ends when another window revokes its permission', async (t) => {
  const storage = new MemoryStorage()
  const { site, user, shown } = await broker(t, { storage })
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const key = `permission ${A}`
  await until(() => storage.values.has(key))
  const asked = shown.asked.length
  const never = new Promise(() => {})
  user.answer = ({ origin }) => (origin === A ? never : { yes: true })
  const [first, second, other] = [a.ask('personal_sign', ['1', A0]), a.ask('personal_sign', ['2', A0]), b.ask('personal_sign', ['3', A0])]
  await until(() => shown.asked.length === asked + 1)
  storage.values.delete(key)
  for (const watcher of storage.watchers) watcher(key)
  await assert.rejects(first, code(4100))
  await assert.rejects(second, code(4100))
  assert.equal(await other, SIGNATURE)
})

test('the accounts to choose from are not those of a device that is not the one plugged in', async (t) => {
  const { site, usb, device, shown } = await broker(t)
  await site(A).ask('eth_requestAccounts')
  await site(B).ask('eth_requestAccounts')
  assert.equal(shown.asked.at(-1).choices[0].address, A0)
  usb.devices = [wallet({ serial: 'imKey99', key: '04bb', accounts: [B0] })]
  usb.plug('disconnect', device)
  assert.deepEqual(await site(C).ask('eth_requestAccounts'), [B0])
  assert.equal(shown.asked.at(-1).choices[0].address, undefined)
})

test('a site gets no other accounts than the screen showed', async (t) => {
  const { site, user, device, shown } = await broker(t)
  user.answer = ({ choices }) => ({ yes: true, ...(choices && { accounts: [0, 1] }) })
  await site(A).ask('eth_requestAccounts')
  device.accounts = [B0, TO] // restored from other words
  user.answer = () => ({ yes: true })
  await assert.rejects(site(B).ask('eth_requestAccounts'), { code: 4100, message: /another wallet/ })
  const addresses = () =>
    shown.asked
      .at(-1)
      .choices.slice(0, 2)
      .map(({ address }) => address)
  assert.deepEqual(addresses(), [A0, A1])
  assert.deepEqual(await site(B).ask('eth_accounts'), [])
  // The next screen shows none of the old wallet, and then what is known of the new one.
  assert.deepEqual(await site(B).ask('eth_requestAccounts'), [B0])
  assert.deepEqual(addresses(), [undefined, undefined])
  assert.deepEqual(await site(C).ask('eth_requestAccounts'), [B0])
  assert.deepEqual(addresses(), [B0, undefined])
  // A site that had the old ones asks again: the new ones are shown then, too.
  assert.deepEqual(
    await site(A)
      .ask('wallet_requestPermissions', [{ eth_accounts: {} }])
      .then(() => site(A).ask('eth_accounts')),
    [B0],
  )
  assert.deepEqual(addresses(), [B0, undefined])
})

test('a site does not see the accounts of another device that is plugged in', async (t) => {
  const { site, usb, device } = await broker(t)
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const other = wallet({ serial: 'imKey99', key: '04bb', accounts: [B0] })
  usb.devices = []
  usb.plug('disconnect', device)
  assert.deepEqual(a.events.at(-1)[0], 'disconnect')
  usb.devices = [other]
  usb.plug('connect', other)
  await until(() => other.opened > 0 && other.open === 0)
  assert.deepEqual(
    other.calls.filter(([name]) => name === 'getAccount'),
    [],
  )
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4900))
  assert.deepEqual(await a.ask('wallet_requestPermissions', [{ eth_accounts: {} }]).then((list) => list[0].invoker), A, 'asked anew')
  assert.deepEqual(await a.ask('eth_accounts'), [B0])
})

test('a device that is not bound is bound by the shell, within the turn', async (t) => {
  const { site, user, shown, device, imkey } = await broker(t)
  const a = site(A)
  device.status = 'unbound'
  user.pair = async ({ reason, imkey: given, device: bound, signal }) => {
    assert.equal(reason, 'bind')
    assert.equal(given, imkey)
    assert.ok(signal instanceof AbortSignal)
    await bound.close() // it is bound in another page
    device.status = 'bound'
  }
  assert.deepEqual(await a.ask('eth_requestAccounts'), [A0])
  assert.equal(shown.pairs.length, 1)
  device.status = 'bound-elsewhere'
  user.pair = () => Promise.reject(Object.assign(new Error('closed'), { rpc: { code: 4001 } }))
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4001))
  assert.equal(device.open, 0)
})

test('a device is chosen by the user only where none or several are there', async (t) => {
  const { site, user, shown, usb, device } = await broker(t)
  const a = site(A)
  usb.devices = []
  user.pair = async ({ reason }) => {
    assert.equal(reason, 'choose')
    usb.devices = [device]
  }
  assert.deepEqual(await a.ask('eth_requestAccounts'), [A0])
  assert.equal(shown.pairs.length, 1)
  await a.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.equal(shown.pairs.length, 1, 'there is only one')
  usb.devices = [device, wallet({ serial: 'imKey99', key: '04bb', accounts: [B0] })]
  user.pair = async ({ imkey }) => (await imkey.getDevices())[1]
  await a.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.deepEqual(await a.ask('eth_accounts'), [B0])
  assert.equal(shown.asked.at(-1).choices[0].address, undefined, 'it is not known yet which one it will be')
})

test('two sites that ask for the same pay twice, and one that asks again pays once', async (t) => {
  const { site, node, device } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const sent = device.calls.length
  node.answers.eth_sendRawTransaction = () => {
    throw { code: -32000, message: 'the node is full' }
  }
  await assert.rejects(a.ask('eth_sendTransaction', [payment]))
  node.answers.eth_sendRawTransaction = HASH
  assert.equal(await a.ask('eth_sendTransaction', [payment]), HASH)
  assert.equal(device.calls.slice(sent).filter(([name]) => name === 'signTransaction').length, 1, 'sent again, not signed again')
  node.answers.eth_getTransactionByHash = { hash: HASH, blockNumber: null }
  await b.ask('eth_sendTransaction', [payment])
  assert.equal(device.calls.slice(sent).filter(([name]) => name === 'signTransaction').length, 2)
})

test('a site neither learns, sends nor settles what another site had signed', async (t) => {
  const { site, node, device } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  const raws = () => node.methods().filter((method) => method === 'eth_sendRawTransaction')
  const signed = () => device.calls.filter(([name]) => name === 'signTransaction').length
  node.answers.eth_sendRawTransaction = () => {
    throw { code: -32000, message: 'the node is full' }
  }
  const { data } = await a.ask('eth_sendTransaction', [payment]).then(
    () => assert.fail('it was sent'),
    (thrown) => thrown,
  )
  const [before, once] = [raws().length, signed()]
  node.answers.eth_sendRawTransaction = HASH
  await b.ask('eth_sendTransaction', [{ ...payment, value: '0x7' }])
  assert.equal(raws().length, before + 1, "only the site's own transaction was sent")
  assert.equal(signed(), once + 1)
  await b.ask('eth_sendRawTransaction', [data.raw])
  assert.equal(await a.ask('eth_sendTransaction', [payment]), HASH)
  assert.equal(signed(), once + 1, 'the first site sends again what it had signed, and signs nothing anew')
})

test('a site hands its binding over in one step', async (t) => {
  const { site, user, shown, imkey } = await broker(t)
  const a = site(A)
  const seid = '18000001010000000106'.padEnd(32, 'F')
  const calls = []
  let known = []
  imkey.knownDevices = async () => known
  imkey.forget = async (seid) => void calls.push(['forget', seid])
  imkey.importBinding = async (file, passphrase, options) => {
    calls.push(['import', [...file], passphrase, options.seid, options.serial, options.replace])
    return { seid, serial: 'imKey01191200001', state: 'imported' }
  }
  const given = { file: btoa('\x01\x02\xff'), passphrase: 'correct horse', seid, serial: 'imKey01191200001' }
  user.answer = () => ({ yes: false })
  await assert.rejects(a.ask('imkey_handOver', [given]), code(4001))
  assert.deepEqual(calls, [])
  user.answer = () => ({ yes: true })
  assert.equal(await a.ask('imkey_handOver', [given]), true)
  assert.deepEqual(shown.asked.at(-1).what, { kind: 'hand-over', seid, serial: given.serial })
  assert.equal(shown.asked.at(-1).origin, A)
  assert.deepEqual(calls, [['import', [1, 2, 255], 'correct horse', seid, given.serial, false]])
  assert.deepEqual(await a.ask('eth_accounts'), [], 'it is no permission')
  assert.ok(!JSON.stringify(shown).includes('correct horse'), 'no screen gets the passphrase')

  known = [{ seid, serial: given.serial, name: 'Savings', state: 'bound' }]
  user.answer = () => ({ yes: true, override: true })
  assert.equal(await a.ask('imkey_handOver', [given]), true)
  assert.deepEqual(shown.asked.at(-1).what.known, { name: 'Savings', serial: given.serial, state: 'bound' })
  assert.equal(calls.at(-1).at(-1), true)
  await assert.rejects(a.ask('imkey_handOver', [{ ...given, serial: 'imKey2' }]), code(-32602))
  const before = shown.asked.length
  for (const file of ['A', 'AAAAA', 'AAA=A']) await assert.rejects(a.ask('imkey_handOver', [{ ...given, file }]), code(-32602))
  assert.equal(shown.asked.length, before, 'the user is not asked about what is no file')

  // Every record needs the user's word, but that of a device that was never bound here.
  user.answer = () => ({ yes: true })
  const boundAt = new Date()
  for (const [state, at, shows, replace] of [
    ['bound', boundAt, true, false],
    ['imported', boundAt, true, false],
    ['unfinished', boundAt, true, false],
    ['unreadable', null, true, false],
    ['former', boundAt, true, false],
    ['unfinished', null, false, false],
  ]) {
    known = [{ seid, serial: state === 'unreadable' ? '' : given.serial, name: null, state, boundAt: at }]
    assert.equal(await a.ask('imkey_handOver', [given]), true)
    assert.equal(shown.asked.at(-1).what.known?.state, shows ? state : undefined)
    assert.equal(calls.at(-1).at(-1), replace, `${state}, ${at}`)
  }
  known = []
  user.answer = () => {
    known = [{ seid, serial: given.serial, name: null, state: 'bound', boundAt }] // in another tab, while the screen asks
    return { yes: true }
  }
  await a.ask('imkey_handOver', [given])
  assert.equal(calls.at(-1).at(-1), false)
  known = []
  user.answer = () => ({ yes: true })
  await a.ask('imkey_handOver', [{ ...given, serial: 'imKey2' }])
  assert.equal(calls.at(-1)[4], 'imKey2', 'the file has to be of the device that the screen named')
  assert.ok(!calls.some(([name]) => name === 'forget'), 'whatever the file is, no record is deleted')
  for (const wrong of [[], [{}], [{ ...given, seid: 'xx' }], [{ ...given, file: '%%' }], [{ ...given, more: 1 }], [given, given], {}]) {
    await assert.rejects(a.ask('imkey_handOver', wrong), code(-32602))
  }
  await assert.rejects(a.ask('imkey_moveBinding'), code(4200))
})

test('a broker that is closed while a device asks leaves the note for the next one', async (t) => {
  const storage = new MemoryStorage()
  const { site, device, broker: made } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  device.signMessage = aborts(device)
  const running = a.begin('personal_sign', ['1', A0])
  const asks = () => [...storage.values.keys()].some((key) => key.startsWith('asking'))
  await until(() => device.inUse === 1 && asks())
  made.close('broker-gone')
  await assert.rejects(running.answer, code(4900, 'aborted'))
  await until(() => device.inUse === 0 && device.open === 0)
  assert.ok(asks(), 'a process that ends may not have reached the device')
})

test('a broker that is closed settles everything once', async (t) => {
  const { site, shown, device, broker: made } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  await b.ask('eth_requestAccounts')
  device.signMessage = aborts(device)
  const [running, waiting, other, read] = [
    a.begin('personal_sign', ['1', A0]),
    a.begin('personal_sign', ['2', A0]),
    b.begin('personal_sign', ['3', A0]),
    b.begin('eth_unanswered'),
  ]
  await until(() => device.inUse === 1 && made.state.queue.length === 3)
  made.close('window-closed')
  await assert.rejects(running.answer, (error) => code(4900, 'aborted')(error) && error.data.reason === 'window-closed')
  await assert.rejects(waiting.answer, code(4001, 'user-rejected'))
  await assert.rejects(other.answer, code(4001, 'user-rejected'))
  await assert.rejects(read.answer)
  await until(() => device.inUse === 0 && device.open === 0)
  assert.ok(a.closedByBroker && b.closedByBroker)
  assert.deepEqual(
    [a.got.at(-1), b.got.at(-1)],
    [{ type: 'bye' }, { type: 'bye' }].map((bye) => Object.assign(Object.create(null), bye)),
  )
  for (const each of [a, b]) for (const count of each.counts.values()) assert.equal(count, 1)
  const late = site(C)
  assert.deepEqual([late.got.at(-1).type, late.closedByBroker], ['bye', true])
  assert.equal(shown.most, 1)
})

test('a site whose pages are gone leaves nothing behind', async (t) => {
  const { site, broker: made } = await broker(t)
  for (let i = 0; i < 50; i++) {
    const each = site(`https://site${i}.example`)
    await each.ask('eth_chainId')
    each.gone()
  }
  assert.deepEqual(made.state.open, [])
  const a = site(A)
  await a.ask('eth_chainId')
  assert.deepEqual(made.state.open, [A])
  a.send({ type: 'bye' })
  assert.deepEqual(made.state.open, [])
})

test('the protocol exports what a client needs', () => {
  assert.deepEqual(Object.keys(protocol).sort(), [
    'listPermissions',
    'mostToBroker',
    'mostToSite',
    'readFromSite',
    'readToSite',
    'startBroker',
    'version',
    'write',
  ])
  assert.equal(typeof site, 'function')
})

test('a site whose requests are rejected again and again is not shown for a minute', async (t) => {
  const { site, user, shown } = await broker(t)
  const [a, b] = [site(A), site(B)]
  await a.ask('eth_requestAccounts')
  const { now } = Date
  let later = 0
  Date.now = () => now() + later
  t.after(() => (Date.now = now))
  const rejects = async (times) => {
    user.answer = () => ({ yes: false })
    for (let i = 0; i < times; i++) await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4001))
  }
  // A yes between them, and a pause, make up for rejections.
  await rejects(2)
  user.answer = () => ({ yes: true })
  await a.ask('personal_sign', ['hi', A0])
  await rejects(2)
  later += 30_001
  await rejects(3)

  const before = shown.asked.length
  const often = (error) => error.code === 4001 && error.data.code === 'user-rejected' && error.data.reason === 'rejected-often'
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), often)
  await assert.rejects(a.ask('wallet_requestPermissions', [{ eth_accounts: {} }]), often)
  assert.equal(shown.asked.length, before)
  // What asks no one goes on, and so do other sites.
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  user.answer = () => ({ yes: true })
  assert.deepEqual(await b.ask('eth_requestAccounts'), [A0])
  later += 60_000
  await a.ask('personal_sign', ['hi', A0])
  await rejects(2)
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), (error) => !error.data.reason)
})
