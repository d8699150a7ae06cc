// Tests of the provider by EIP-1193: requests, errors, events, permissions, chains, and their nodes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { A0, A1, B0, connected, fakeNode, nodesTime, page, until, wallet } from '../testdata/fakewallet.js'

const reason = (code, retryable = false) => ({ code, retryable })

test('malformed options are refused at once', async () => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const chains = [{ chainId: 1, rpcUrls: ['https://node.example'] }]
  for (const options of [
    undefined,
    {},
    { chains: [] },
    { chains: [null] },
    { chains: [{ chainId: 0, rpcUrls: ['https://a.example'] }] },
    { chains: [{ chainId: '0x01', rpcUrls: ['https://a.example'] }] },
    { chains: [{ chainId: 1, rpcUrls: [] }] },
    { chains: [{ chainId: 1, rpcUrls: ['http://a.example'] }] },
    { chains: [{ chainId: 1, rpcUrls: ['javascript:1'] }] },
    { chains: [{ chainId: 1, rpcUrls: ['https://a.example'], webSocketUrl: 'ws://a.example' }] },
    { chains: [{ chainId: 1, rpcUrls: ['https://a.example'], nativeCurrency: { symbol: '', decimals: 18 } }] },
    { chains: [{ chainId: 1, rpcUrls: ['https://a.example'], nativeCurrency: { symbol: 'SIX', decimals: 6 } }] },
    { chains, chainId: 5 },
    { chains, accounts: 0 },
    { chains, accounts: 21 },
    { chains, accounts: 1.5 },
    { chains, accounts: ['m'] },
    { chains, accounts: ['m/0', 'm/0'] },
    { chains, pathScheme: 'toString' },
    { chains, pairing: 'ask' },
    { chains, rpcTimeout: 0 },
    { chains, holdDevice: -1 },
    { chains, holdDevice: '10000' },
    { chains, holdDevice: 600_001 },
    { chains, remember: 'yes' },
    { chains: [{ ...chains[0], maxFee: 1 }] },
    { chains: [{ ...chains[0], maxFee: -1n }] },
  ]) {
    assert.throws(() => createProvider(options), { name: 'ImKeyError', code: 'invalid-argument' }, inspect(options))
  }
  createProvider({ chains, chainId: '0x1', accounts: ["m/44'/60'/0'/0/7"] })
})

test('a chain that cannot be used is left out and named, and the others work', async (t) => {
  const warnings = []
  t.mock.method(console, 'warn', (text) => warnings.push(text))
  const node = await fakeNode(t)
  const rpcUrls = [node.url]
  const odd = [
    [{ chainId: 4217, chainName: 'Tempo', rpcUrls, nativeCurrency: { symbol: 'USD', decimals: 6 } }, /18 decimals/],
    [{ chainId: '0x2', rpcUrls, webSocketUrl: 'https://a.example' }, /webSocketUrl/],
    [{ chainId: 3, rpcUrls: ['http://a.example'] }, /rpcUrls/],
    [{ chainId: 4, chainName: 'Four', rpcUrls: [] }, /rpcUrls/],
    [{ chainId: 6, rpcUrls, nativeCurrency: { symbol: 'A COIN', decimals: 18 } }, /symbol/],
    [{ chainId: 7, rpcUrls, maxFee: 1 }, /maxFee/],
    [{ chainId: 0, chainName: 'Zero', rpcUrls }, /chainId/],
    [{ chainName: 'No id', rpcUrls }, /chainId/],
    [{ chainId: {}, rpcUrls }, /chainId/],
    [null, /not an object/],
    [{ chainId: 8, rpcUrls: { length: 1 } }, /rpcUrls/],
  ]
  const chains = odd.map(([chain]) => chain)
  chains.splice(3, 0, { chainId: 1, rpcUrls }, { chainId: '0x5', rpcUrls: ['wss://a.example', 'http://a.example', node.url, 'ftp://a'] })
  const { ask, provider } = await page(t, { chains })
  assert.equal(await ask('eth_chainId'), '0x1', 'the first that can be used')
  assert.deepEqual(provider.unusableChains.length, odd.length)
  for (const [i, { chainId, chainName, reason }] of provider.unusableChains.entries()) {
    const [chain, why] = odd[i]
    assert.match(reason, why)
    assert(
      warnings.some((text) => text.includes(chainName ?? chainId ?? 'without an id') && text.includes(reason)),
      String(chainName ?? chainId),
    )
    if (i < 8) assert.deepEqual([chainId, chainName], [chain.chainId, chain.chainName])
  }
  for (const [id, why] of [
    ['0x1079', /cannot be used here.*18 decimals/],
    ['0x2', /cannot be used here.*webSocketUrl/],
    ['0x9', /wallet_addEthereumChain/],
  ]) {
    await assert.rejects(ask('wallet_switchEthereumChain', [{ chainId: id }]), { code: 4902, message: why })
  }
  await ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  assert.equal(await ask('eth_getTransactionCount', [A0, 'latest']), '0x7', 'by the one address that can be used')
  const second = await fakeNode(t, { eth_chainId: '0x2' })
  await ask('wallet_addEthereumChain', [{ chainId: '0x2', rpcUrls: [second.url] }])
  assert.equal(await ask('eth_chainId'), '0x2', 'a dApp can add it in a form that can be used')

  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  assert.throws(
    () => createProvider({ chains: odd.map(([chain]) => chain) }),
    ({ code, message }) => {
      for (const [, why] of odd) assert.match(message, why)
      return code === 'invalid-argument'
    },
  )
  assert.throws(() => createProvider({ chains, chainId: 4217 }), { code: 'invalid-argument', message: /can be used/ })
  const none = { webSocketUrl: null, maxFee: null, chainName: null }
  assert.deepEqual(createProvider({ chains: [{ chainId: 1, rpcUrls, ...none }] }).unusableChains, [], 'null is absent')
  assert.deepEqual((await page(t)).provider.unusableChains, [])
})

test('of two chains with one id, the first that can be used counts, and the other is left out and named', async (t) => {
  const warnings = []
  t.mock.method(console, 'warn', (text) => warnings.push(text))
  const node = await fakeNode(t)
  const rpcUrls = [node.url]
  const unused = ['https://unused.example']
  const chains = [
    { chainId: 1, chainName: 'Broken', rpcUrls: [] },
    { chainId: 1, rpcUrls },
    { chainId: '0x1', chainName: 'One again', rpcUrls: unused },
    { chainId: '0x2', rpcUrls: unused },
    { chainId: 1, rpcUrls: [] },
  ]
  const { ask, provider } = await page(t, { chains })
  assert.equal(await ask('eth_getTransactionCount', [A0, 'latest']), '0x7')
  await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  await ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  const [, twice] = provider.unusableChains
  assert.deepEqual(twice, { chainId: '0x1', chainName: 'One again', reason: 'another chain of the list has the id 1' })
  assert.deepEqual(
    provider.unusableChains.map(({ chainName }) => chainName),
    ['Broken', 'One again', undefined],
  )
  assert(warnings.some((text) => text.includes('One again') && text.includes(twice.reason)))
})

test("a node's error with a code of wallets is no word of the user or the wallet", async (t) => {
  for (const code of [4001, 4100, 4200, 4900, 4901, 4902, 5000, 5700, 5710, 5720, 5730, 5740, 5750, 5760]) {
    const given = { code, message: 'User rejected the request.', data: { why: 'x' } }
    const node = await fakeNode(t)
    node.answers.eth_call = node.answers.eth_estimateGas = () => {
      throw given
    }
    const { ask, usb } = await connected(t, { node })
    for (const asked of [ask('eth_call', [{}]), ask('eth_sendTransaction', [{ to: A0, value: '0x1' }])]) {
      const error = await asked.catch((thrown) => thrown)
      assert.deepEqual(
        [error.code, error.message],
        [-32603, `The node answered with the code ${code} of a wallet: User rejected the request.`],
      )
      assert.deepEqual(error.data, { code: 'protocol', retryable: false, error: given })
    }
    assert(!usb.devices[0].calls.some(([name]) => name.startsWith('sign')))
  }
  // Other codes above 4000 are those of nodes.
  const node = await fakeNode(t)
  node.answers.eth_call = () => {
    throw { code: 4444, message: 'pruned history unavailable' }
  }
  await assert.rejects((await page(t, { node })).ask('eth_call', [{}]), { code: 4444, message: 'pruned history unavailable' })
})

test('a chain is added by its number, and by the first address that can be used', async (t) => {
  const { ask, events } = await page(t)
  for (const [chainId, answer, selected] of [
    ['0x134AFD7', '0x134AFD7', '0x134afd7'],
    ['0x134AFD8', '0x134afd8', '0x134afd8'],
    ['0x134afd9', '0x0134AFD9', '0x134afd9'],
    ['0XA', '0xa', '0xa'],
  ]) {
    const node = await fakeNode(t, { eth_chainId: answer, eth_blockNumber: chainId })
    const rpcUrls = ['wss://socket.example', 'http://plain.example', node.url, 'https://unused.example']
    assert.equal(await ask('wallet_addEthereumChain', [{ chainId, rpcUrls }]), null)
    assert.equal(await ask('eth_chainId'), selected)
    assert.equal(await ask('eth_blockNumber'), chainId)
    assert.equal(await ask('wallet_switchEthereumChain', [{ chainId: '0x1' }]), null)
    assert.equal(await ask('wallet_switchEthereumChain', [{ chainId }]), null)
  }
  assert.equal(events('chainChanged').filter((id) => id === '0x134afd7').length, 2)
  const other = await fakeNode(t, { eth_chainId: '0x134AFD0' })
  await assert.rejects(ask('wallet_addEthereumChain', [{ chainId: '0x134AFD1', rpcUrls: [other.url] }]), {
    code: -32602,
    message: /another chain/,
  })
  await assert.rejects(ask('wallet_addEthereumChain', [{ chainId: '0xfe', rpcUrls: ['wss://a.example'] }]), {
    code: -32602,
    message: /rpcUrls/,
  })
})

test('a provider also works outside a browser, where it asks nodes', async (t) => {
  const { createProvider } = await import(`${process.env.DIST}/imkey.js`)
  const node = await fakeNode(t, { eth_blockNumber: '0x10' })
  const provider = createProvider({ chains: [{ chainId: 1, rpcUrls: [node.url] }] })
  assert.equal(await provider.request({ method: 'eth_blockNumber' }), '0x10')
  assert.deepEqual(await provider.request({ method: 'eth_accounts' }), [])
  await assert.rejects(provider.request({ method: 'eth_requestAccounts' }), {
    code: -32603,
    data: { ...reason('unsupported'), reason: 'not-a-browser' },
  })
})

test('a malformed request is -32602', async (t) => {
  const { provider, sdk } = await page(t)
  for (const request of [
    undefined,
    null,
    'eth_accounts',
    [],
    {},
    { method: 5 },
    { method: '' },
    { method: 'eth_call', params: 'x' },
    { method: 'eth_accounts', params: 0 },
    { method: 'eth_accounts', params: false },
    { method: 'eth_accounts', params: '' },
    { method: 'wallet_switchEthereumChain', params: { chainId: '0x1' } },
    { method: 'eth_accounts', signal: {} },
  ]) {
    const error = await provider.request(request).catch((e) => e)
    assert(error instanceof sdk.ProviderRpcError && error instanceof Error)
    assert.equal(error.name, 'ProviderRpcError')
    assert.equal(error.code, -32602, JSON.stringify(request))
    assert.deepEqual(error.data, reason('invalid-argument'))
  }
})

test('a method without parameters takes any form of none', async (t) => {
  const { provider, node } = await page(t)
  node.answers.eth_blockNumber = '0x10'
  for (const none of [{}, { params: undefined }, { params: null }, { params: [] }, { params: {} }]) {
    const ask = (method) => provider.request({ method, ...none })
    assert.equal(await ask('eth_chainId'), '0x1')
    assert.equal(await ask('net_version'), '1')
    assert.deepEqual(await ask('eth_requestAccounts'), [A0])
    assert.deepEqual(await ask('eth_accounts'), [A0])
    assert.equal((await ask('wallet_getPermissions')).length, 1)
    assert.equal(await ask('eth_blockNumber'), '0x10')
    assert.deepEqual(node.asked.at(-1), ['eth_blockNumber', []])
    await assert.rejects(ask('personal_sign'), { code: -32602 })
    await assert.rejects(ask('eth_sendTransaction'), { code: -32602 })
  }
})

test('eth_accounts touches neither USB nor the node', async (t) => {
  const { ask, usb, node, device } = await page(t)
  usb.getDevices = () => assert.fail('USB was asked')
  assert.deepEqual(await ask('eth_accounts'), [])
  assert.equal(await ask('eth_coinbase'), null)
  assert.deepEqual(await ask('wallet_getPermissions'), [])
  assert.deepEqual([usb.asked, node.asked, device.calls], [[], [], []])
})

test('connecting returns the accounts and emits connect and accountsChanged', async (t) => {
  const { ask, heard, usb, provider } = await page(t)
  assert.equal(provider.isConnected(), false)
  assert.deepEqual(await ask('eth_requestAccounts'), [A0])
  assert.deepEqual(heard, [
    ['connect', { chainId: '0x1' }],
    ['accountsChanged', [A0]],
  ])
  assert.equal(provider.isConnected(), true)
  assert.deepEqual(usb.asked, [], 'the one permitted device needs no chooser')
  assert.deepEqual(await ask('eth_requestAccounts'), [A0])
  assert.deepEqual(await ask('eth_accounts'), [A0])
  assert.equal(await ask('eth_coinbase'), A0)
  assert.equal(heard.length, 2, 'no event without a change')
})

test('accounts are chosen by count, scheme or path', async (t) => {
  for (const [options, paths] of [
    [{ accounts: 2 }, ["m/44'/60'/0'/0/0", "m/44'/60'/0'/0/1"]],
    [{ accounts: 2, pathScheme: 'legacy' }, ["m/44'/60'/0'/0", "m/44'/60'/0'/1"]],
    [{ accounts: 2, pathScheme: 'ledger-live' }, ["m/44'/60'/0'/0/0", "m/44'/60'/1'/0/0"]],
    [{ accounts: ["m/44'/60'/5'/0/1"] }, ["m/44'/60'/5'/0/1"]],
  ]) {
    const { ask, device } = await page(t, options)
    await ask('eth_requestAccounts')
    assert.deepEqual(
      device.calls.map(([, { path }]) => path),
      paths,
    )
  }
  const { ask } = await connected(t, { accounts: 2 })
  assert.deepEqual(await ask('eth_accounts'), [A0, A1])
})

test('the chooser opens within the click, before anything is downloaded', async (t) => {
  const { ask, usb, events } = await page(t, { devices: [] })
  const { fetch } = globalThis
  t.after(() => {
    globalThis.fetch = fetch
  })
  let waits = () => {}
  globalThis.fetch = (...args) =>
    new Promise((resolve) => {
      waits = () => resolve(fetch(...args))
    })
  let choose
  usb.choice = () =>
    new Promise((resolve) => {
      choose = resolve
    })
  const asked = ask('eth_requestAccounts')
  await until(() => usb.asked.length === 1)
  assert.deepEqual(events('interaction'), [{ state: 'waiting', reason: 'choose-device', method: 'eth_requestAccounts' }])
  choose(wallet())
  globalThis.fetch = fetch
  waits()
  assert.deepEqual(await asked, [A0])
  assert.deepEqual(events('interaction').at(-1), { state: 'done', reason: 'choose-device', method: 'eth_requestAccounts' })
})

test('the user chooses among several permitted devices', async (t) => {
  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  const { ask, usb } = await page(t, { devices: [wallet(), other] })
  usb.choice = async () => other
  assert.deepEqual(await ask('eth_requestAccounts'), [B0])
  assert.equal(usb.asked.length, 1)
})

test('a request while the user is being asked gets -32002', async (t) => {
  const { ask, usb } = await page(t, { devices: [] })
  let choose
  usb.choice = () =>
    new Promise((resolve) => {
      choose = resolve
    })
  const first = ask('eth_requestAccounts')
  const together = ask('eth_requestAccounts')
  await until(() => choose)
  await assert.rejects(ask('eth_requestAccounts'), { code: -32002, data: reason('device-busy', true) })
  await assert.rejects(ask('wallet_requestPermissions', [{ eth_accounts: {} }]), { code: -32002 })
  choose(wallet())
  assert.deepEqual(await Promise.all([first, together]), [[A0], [A0]])
  assert.equal(usb.asked.length, 1)
})

test('a chooser closed without a choice is 4001, and the next one may succeed', async (t) => {
  const { ask, usb } = await page(t, { devices: [] })
  usb.choice = () => Promise.reject(new DOMException('no', 'NotFoundError'))
  for (let i = 0; i < 2; i++) {
    await assert.rejects(ask('eth_requestAccounts'), { code: 4001, data: reason('request-cancelled', true) })
  }
  usb.choice = async () => wallet()
  assert.deepEqual(await ask('eth_requestAccounts'), [A0])
})

test('a chooser outside a click is not a rejection by the user', async (t) => {
  const { ask, usb } = await page(t, { devices: [] })
  usb.choice = () => Promise.reject(new DOMException('no', 'SecurityError'))
  await assert.rejects(ask('eth_requestAccounts'), { code: 4100, data: reason('permission-denied', true) })
})

test("the device's errors become EIP-1193 codes and keep their reasons", async (t) => {
  const { ask, device } = await connected(t)
  for (const [code, expected] of Object.entries({
    'user-rejected': 4001,
    'untrusted-device': 4100,
    'device-mismatch': 4100,
    'permission-denied': 4100,
    'not-bound': 4100,
    'bound-elsewhere': 4100,
    'unsupported-method': 4200,
    'device-busy': -32002,
    'in-use-elsewhere': -32002,
    'invalid-argument': -32602,
    'locked': -32603,
    'wallet-missing': -32603,
    'in-menu': -32603,
    'applet-missing': -32603,
    'timeout': -32603,
    'protocol': -32603,
    'boot-loader': -32603,
    'not-imkey': -32603,
    'storage': -32603,
    'storage-full': -32603,
    'record-corrupt': -32603,
    'internal': -32603,
  })) {
    device.signMessage = () => {
      throw device.error(code, { statusWord: 0xf081, retryable: true, data: { holder: 'tab', reason: 'no-answer' } })
    }
    const error = await ask('personal_sign', ['0x00', A0]).catch((e) => e)
    assert.deepEqual(
      [error.code, error.data],
      [expected, { code, statusWord: 0xf081, retryable: true, holder: 'tab', reason: 'no-answer' }],
    )
    assert.match(
      error.message,
      new RegExp(`^[A-Z].+\\. [A-Z].+\\. \\(the device says ${code}\\)$`),
      'what happened, what to do next, and the details',
    )
  }
  assert.deepEqual(await ask('eth_accounts'), [A0], 'none of them loses the accounts')
  assert.equal(device.open, 0, 'the device is released')
})

test('a locked device is tried once for each request of the dApp', async (t) => {
  const device = wallet()
  let tries = 0
  device.refuses = (host) => (tries++, host.makeError('locked', 'enter the PIN', 0xf081, true))
  const { ask } = await page(t, { devices: [device] })
  await assert.rejects(ask('eth_requestAccounts'), { code: -32603, data: { code: 'locked', statusWord: 0xf081, retryable: true } })
  assert.equal(tries, 1)
  device.refuses = undefined
  assert.deepEqual(await ask('eth_requestAccounts'), [A0])
})

test('unknown wallet methods are 4200, and reach no node', async (t) => {
  const { ask, node } = await page(t)
  for (const method of ['wallet_watchAsset', 'wallet_grantPermissions', 'wallet_nonsense', 'eth_decrypt', 'eth_getEncryptionPublicKey']) {
    const message = new RegExp(`The method ${method} does not exist / is not available`) // the words by which viem and ethers know it
    await assert.rejects(ask(method, []), { code: 4200, message, data: reason('unsupported-method') }, method)
  }
  assert.deepEqual(node.asked, [])
})

test('what no connector has is refused without opening its window', async (t) => {
  const known = { accounts: [{ address: A0, path: '' }], serial: null, device: '', chainId: 1 }
  let opened = 0
  globalThis.localStorage = {
    getItem: (key) => (/ revoked /.test(key) ? null : JSON.stringify(known)),
    setItem: () => {},
    removeItem: () => {},
  }
  globalThis.open = () => void opened++
  t.after(() => {
    delete globalThis.localStorage
    delete globalThis.open
  })
  const node = await fakeNode(t)
  const made = (remember) => page(t, { node, connector: 'https://connect.example', remember })
  const lacking = ['wallet_watchAsset', 'wallet_requestSnaps', 'wallet_signIn', 'eth_signTypedData_v1', 'eth_decrypt']
  for (const remember of [true, false]) {
    assert.deepEqual(await (await made(remember)).ask('eth_accounts'), remember ? [A0] : [])
    for (const method of [...lacking, 'personal_signTransaction', 'imkey_nonsense']) {
      const { ask } = await made(remember) // whose first request it is
      await assert.rejects(ask(method, ['0x1']), { code: 4200, data: reason('unsupported-method') }, method)
      assert.deepEqual([node.asked, opened], [[], 0], method)
    }
    // These need the window, and open none.
    for (const method of ['wallet_getCallsStatus', 'imkey_forgetTransactions']) {
      await assert.rejects((await made(remember)).ask(method, ['0x1']), { code: 4900 }, method)
      assert.deepEqual([node.asked, opened], [[], 0], method)
    }
  }
  const wanted = ['personal_sign', 'eth_sign', 'eth_signTransaction', 'eth_signTypedData', 'eth_signTypedData_v3', 'eth_signTypedData_v4']
  wanted.push('eth_sendTransaction', 'wallet_sendTransaction', 'wallet_sendCalls', 'wallet_showCallsStatus')
  wanted.push('wallet_requestPermissions', 'imkey_moveBinding')
  for (const [remember, methods] of [
    [true, wanted],
    [false, ['eth_requestAccounts', 'wallet_requestPermissions', 'imkey_moveBinding']],
  ]) {
    for (const method of methods) {
      opened = 0
      await assert.rejects((await made(remember)).ask(method, [{}]))
      assert.equal(opened, 1, method)
    }
  }
})

test("all other methods are passed to the node unchanged, and so are the node's errors", async (t) => {
  const { ask, node, sdk } = await page(t)
  node.answers.eth_call = (...params) => ({ params })
  node.answers.constructor = 'a method of that name'
  assert.deepEqual(await ask('eth_call', [{ to: A0 }, 'latest']), { params: [{ to: A0 }, 'latest'] })
  assert.equal(await ask('constructor'), 'a method of that name')
  assert.deepEqual(node.asked[1], ['constructor', []])
  node.answers.eth_call = () => {
    throw { code: 3, message: 'execution reverted: no', data: '0x08c379a0' }
  }
  const error = await ask('eth_call', [{}]).catch((e) => e)
  assert(error instanceof sdk.ProviderRpcError)
  assert.deepEqual([error.code, error.message, error.data], [3, 'execution reverted: no', '0x08c379a0'])
  await assert.rejects(ask('eth_foo'), (error) => error.code === -32601 && !('data' in error))
  node.answers.eth_getBlockByHash = null
  assert.equal(await ask('eth_getBlockByHash', []), null)
  await assert.rejects(ask('eth_call', [1n]), { code: -32602 })
})

test('an answer that is not JSON-RPC is an error, which does not contain the API key of the address', async (t) => {
  const { ask, node } = await page(t)
  const json = (answer) => (response) => response.end(JSON.stringify(answer))
  for (const [what, reply, retryable] of [
    ['HTML', (response) => response.writeHead(502, { 'Content-Type': 'text/html' }).end('<!doctype html>'), true],
    ['HTML with 200', (response) => response.end('<html>'), false],
    ['no result', json({ jsonrpc: '2.0', id: 1 }), false],
    ['null', json(null), false],
    ['another id', json({ jsonrpc: '2.0', id: 'other', result: '0x1' }), false],
    ["another's error", json({ jsonrpc: '2.0', id: 'other', error: { code: 1, message: 'no' } }), false],
    ['an error without a code', json({ error: 'rate limited' }), false],
    ['an error with a code of another type', json({ error: { code: '1', message: 'no' } }), false],
  ]) {
    node.reply = reply
    const error = await ask('eth_blockNumber').catch((e) => e)
    assert.equal(error.code, -32603, what)
    assert.deepEqual(error.data, reason('protocol', retryable), what)
    assert.doesNotMatch(error.message, /secret-key/)
  }
  node.reply = (response, body) =>
    response.writeHead(429).end(JSON.stringify({ id: JSON.parse(body).id, error: { code: -32005, message: 'slow down' } }))
  await assert.rejects(ask('eth_blockNumber'), { code: -32005, message: 'slow down' })
  node.reply = (response) => response.destroy()
  await assert.rejects(ask('eth_blockNumber'), { code: -32603, message: /cannot be reached/, data: reason('node-unreachable', true) })
})

test('an answer of more than 8 MB is aborted, and memory does not grow with it', async (t) => {
  const { ask, node } = await page(t)
  node.answers.eth_call = `0x${'00'.repeat(3 << 20)}`
  assert.equal((await ask('eth_call', [{}])).length, 2 + (6 << 20), 'a long answer is valid')
  let written = 0
  const closed = new Promise((resolve) => {
    node.reply = async (response) => {
      response.on('close', resolve)
      for (const chunk = 'x'.repeat(1 << 16); !response.destroyed; written += chunk.length) {
        if (!response.write(chunk)) await Promise.race([new Promise((go) => response.once('drain', go)), closed])
      }
    }
  })
  await assert.rejects(ask('eth_call', [{}]), { code: -32603, message: /longer than 8 MB/, data: reason('protocol') })
  await closed
  assert(written < 64 << 20, `${written} bytes`)
})

test('a node that does not answer in time is an error', async (t) => {
  const end = nodesTime(t)
  const { ask, node } = await page(t, { rpcTimeout: 50 })
  node.reply = end
  await assert.rejects(ask('eth_blockNumber'), { code: -32603, message: /within 0.05 seconds/, data: reason('timeout', true) })
  const controller = new AbortController()
  node.reply = () => controller.abort()
  await assert.rejects(ask('eth_blockNumber', [], { signal: controller.signal }), { code: -32603, data: reason('aborted', true) })
})

test('the next node is asked if one does not answer, but not if it answers with an error', async (t) => {
  const [first, second] = [await fakeNode(t), await fakeNode(t, { eth_blockNumber: '0x2' })]
  const { ask } = await page(t, { chains: [{ chainId: 1, rpcUrls: [first.url, second.url] }] })
  await assert.rejects(ask('eth_blockNumber'), { code: -32601 })
  first.reply = (response) => response.writeHead(503).end('busy')
  assert.equal(await ask('eth_blockNumber'), '0x2')
})

test('permissions are requested, reported and revoked', async (t) => {
  const { ask, heard, events, usb } = await page(t)
  for (const wanted of [undefined, null, {}, { eth_sign: {} }, { eth_accounts: {}, eth_sign: {} }]) {
    await assert.rejects(ask('wallet_requestPermissions', [wanted]), { code: -32602 })
    await assert.rejects(ask('wallet_revokePermissions', [wanted]), { code: -32602 })
  }
  const caveats = [{ type: 'restrictReturnedAccounts', value: [A0] }]
  assert.deepEqual(await ask('wallet_requestPermissions', [{ eth_accounts: {} }]), [{ parentCapability: 'eth_accounts', caveats }])
  assert.deepEqual(await ask('wallet_getPermissions'), [{ parentCapability: 'eth_accounts', caveats }])

  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  usb.choice = async () => other
  await ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.deepEqual(await ask('eth_accounts'), [B0], 'a second request opens the chooser again')

  assert.equal(await ask('wallet_revokePermissions', [{ eth_accounts: {} }]), null)
  assert.deepEqual(await ask('eth_accounts'), [])
  assert.deepEqual(await ask('wallet_getPermissions'), [])
  assert.deepEqual(events('accountsChanged'), [[A0], [B0], []])
  assert.deepEqual(
    heard.slice(-2).map(([name]) => name),
    ['disconnect', 'accountsChanged'],
  )
  await assert.rejects(ask('personal_sign', ['0x00', B0]), { code: 4100 })
})

test('listeners see the new state, and connect and disconnect agree with isConnected', async (t) => {
  const { ask, provider, device, events, usb } = await page(t)
  const told = []
  for (const name of ['connect', 'disconnect', 'accountsChanged']) {
    provider.on(name, () => ask('eth_accounts').then((accounts) => told.push([name, provider.isConnected(), accounts])))
  }
  const connects = [
    ['connect', true, [A0]],
    ['accountsChanged', true, [A0]],
  ]
  const disconnects = [
    ['disconnect', false, []],
    ['accountsChanged', false, []],
  ]
  const revoke = () => ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  const tells = async (expected) => {
    await until(() => told.length >= expected.length)
    assert.deepEqual(told.splice(0), expected)
  }
  await ask('eth_requestAccounts')
  await tells(connects)
  await revoke()
  await tells(disconnects)
  await revoke()
  await ask('eth_requestAccounts')
  await tells(connects) // no events for the revocation without a connection
  device.signMessage = () => {
    throw device.error('invalid-argument', { data: { reason: 'foreign-from' } })
  }
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4100 })
  await tells(disconnects)
  await ask('eth_requestAccounts')
  await tells(connects)
  usb.plug('disconnect', device)
  await tells([['disconnect', false, [A0]]])
  await revoke()
  await tells([['accountsChanged', false, []]])
  for (const error of events('disconnect')) assert.deepEqual([error.code, error.data], [4900, reason('device-disconnected', true)])
})

test('connect is emitted once for a connection, in whichever way the device is found', async (t) => {
  const { ask, device, usb, events } = await page(t)
  await ask('eth_requestAccounts')
  assert.deepEqual(events('connect'), [{ chainId: '0x1' }])
  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  usb.choice = async () => other
  await ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  assert.deepEqual(await ask('eth_accounts'), [B0])
  usb.plug('disconnect', device)
  assert.deepEqual(
    [events('connect').length, events('disconnect').length],
    [1, 0],
    'another device replaced the first one, which no longer matters',
  )

  usb.plug('disconnect', other)
  const again = wallet({ serial: 'imKey2', accounts: [B0] })
  usb.devices = [again]
  const asked = ['one', 'two'].map((text) => ask('personal_sign', [text, B0])) // both find the device, too
  usb.plug('connect', again)
  await Promise.all(asked)
  await ask('eth_requestAccounts')
  assert.deepEqual([events('connect').length, events('disconnect').length], [2, 1])
})

test('a device that is unplugged during the last answer does not connect', async (t) => {
  const { ask, device, usb, heard, provider } = await page(t)
  device.getAccount = ({ path }) => {
    usb.plug('disconnect', device)
    return { address: A0, path }
  }
  await assert.rejects(ask('eth_requestAccounts'), { code: 4900, data: reason('device-disconnected', true) })
  assert.deepEqual([heard, provider.isConnected(), await ask('eth_accounts')], [[], false, []])
  const again = wallet()
  usb.devices = [again]
  usb.plug('connect', again)
  assert.deepEqual(await ask('eth_requestAccounts'), [A0])
})

test('another device that is unplugged while its accounts are read does not connect', async (t) => {
  const { ask, device, usb, heard, provider } = await connected(t)
  const other = wallet({ serial: 'imKey2', accounts: [B0] })
  usb.plug('disconnect', device)
  heard.length = 0
  other.getAccount = ({ path }) => {
    usb.plug('disconnect', other)
    return { address: B0, path }
  }
  usb.devices = []
  usb.plug('connect', other)
  await until(() => other.calls.length === 1) // the next request waits for its turn
  await assert.rejects(ask('personal_sign', ['0x00', A0]), { code: 4900, data: reason('device-disconnected', true) })
  assert.deepEqual([heard, provider.isConnected(), await ask('eth_accounts')], [[], false, [A0]])
})

test('no accounts are returned if the permission is revoked while they are read', async (t) => {
  const revoke = (it) => it.ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  const nothing = async (it) =>
    assert.deepEqual(
      [it.events('connect'), it.events('accountsChanged'), it.provider.isConnected(), await it.ask('eth_accounts')],
      [[], [], false, []],
    )
  // While the accounts are read: the device is told to cancel, and a new request waits until it is idle.
  let it = await page(t)
  let begun, idle
  it.device.getAccount = ({ signal }) =>
    new Promise((_, reject) => {
      begun = true
      signal.addEventListener('abort', () => {
        idle = () => reject(it.device.error('aborted', { retryable: true }))
      })
    })
  const asked = [it.ask('eth_requestAccounts'), it.ask('eth_requestAccounts')]
  await until(() => begun)
  assert.equal(await revoke(it), null)
  it.device.getAccount = undefined
  const anew = it.ask('eth_requestAccounts')
  await until(() => idle)
  idle()
  await Promise.all(asked.map((request) => assert.rejects(request, { code: 4100, message: /revoked/ })))
  assert.deepEqual(await anew, [A0])

  // During the device's last answer.
  it = await page(t)
  it.device.getAccount = async ({ path }) => (await revoke(it), { address: A0, path })
  await assert.rejects(it.ask('eth_requestAccounts'), { code: 4100, message: /revoked/ })
  await nothing(it)

  // While the user chooses a device, or binds it.
  it = await page(t, { devices: [] })
  it.usb.choice = () => new Promise(() => {})
  const choosing = it.ask('eth_requestAccounts')
  await until(() => it.events('interaction').length > 0)
  await revoke(it)
  await assert.rejects(choosing, { code: 4100, message: /revoked/ })
  await nothing(it)
  it = await page(t, { devices: [wallet({ status: 'unbound' })], pairing: () => new Promise(() => {}) })
  const binding = it.ask('eth_requestAccounts')
  await until(() => it.events('interaction').length > 0)
  await revoke(it)
  await assert.rejects(binding, { code: 4100, message: /revoked/ })
  await nothing(it)
  assert.equal(it.device.open, 0)
})

test('the dApp can switch to known chains only', async (t) => {
  const [one, ten] = [await fakeNode(t), await fakeNode(t, { eth_chainId: '0xa', eth_blockNumber: '0xaa' })]
  const { ask, events } = await page(t, {
    chains: [
      { chainId: 1, rpcUrls: [one.url] },
      { chainId: '0xa', rpcUrls: [ten.url] },
    ],
  })
  assert.equal(await ask('eth_chainId'), '0x1')
  assert.equal(await ask('net_version'), '1')
  assert.equal(await ask('wallet_switchEthereumChain', [{ chainId: '0x1' }]), null)
  assert.deepEqual(events('chainChanged'), [])
  assert.equal(await ask('wallet_switchEthereumChain', [{ chainId: '0xA' }]), null)
  assert.deepEqual(events('chainChanged'), ['0xa'])
  assert.equal(await ask('eth_chainId'), '0xa')
  assert.equal(await ask('net_version'), '10')
  assert.equal(await ask('eth_blockNumber'), '0xaa', "the node is the chain's")
  await assert.rejects(ask('wallet_switchEthereumChain', [{ chainId: '0x2' }]), { code: 4902, message: /wallet_addEthereumChain/ })
  for (const chainId of [undefined, 1, '1', '0x01', '0x', '0xg', '0x0', '0x20000000000000']) {
    await assert.rejects(ask('wallet_switchEthereumChain', [{ chainId }]), { code: -32602 }, String(chainId))
    await assert.rejects(ask('wallet_addEthereumChain', [{ chainId, rpcUrls: ['https://a.example'] }]), { code: -32602 }, String(chainId))
  }
  await assert.rejects(ask('wallet_switchEthereumChain', []), { code: -32602 })
})

test('a chain is added and selected if its node confirms the chain id', async (t) => {
  const ten = await fakeNode(t, { eth_chainId: '0xa' })
  const { ask, events } = await page(t)
  const chain = { chainId: '0xa', chainName: 'Ten', rpcUrls: [ten.url], nativeCurrency: { name: 'Ten', symbol: 'TEN', decimals: 18 } }
  for (const wrong of [
    { rpcUrls: undefined },
    { rpcUrls: ['http://node.example'] },
    { nativeCurrency: { symbol: 'TEN', decimals: 0 } },
    { nativeCurrency: null },
    { chainId: '0xb' },
  ]) {
    await assert.rejects(ask('wallet_addEthereumChain', [{ ...chain, ...wrong }]), { code: -32602 }, JSON.stringify(wrong))
  }
  assert.equal(await ask('eth_chainId'), '0x1')
  assert.equal(await ask('wallet_addEthereumChain', [chain]), null)
  assert.deepEqual(events('chainChanged'), ['0xa'])
  const { url } = await fakeNode(t, { eth_chainId: '0x1' })
  assert.equal(await ask('wallet_addEthereumChain', [{ ...chain, chainId: '0x1', rpcUrls: [url] }]), null)
  assert.equal(await ask('eth_chainId'), '0x1', 'a known chain is selected and keeps its node')
})

test('listeners are added and removed as in Node', async (t) => {
  const { provider, ask } = await page(t, {
    chains: [
      { chainId: 1, rpcUrls: ['https://a.example'] },
      { chainId: 2, rpcUrls: ['https://b.example'] },
    ],
  })
  const told = []
  const twice = (id) => told.push(`twice ${id}`)
  const { on, once, removeListener, request } = provider // they work without this
  assert.equal(on('chainChanged', twice), provider)
  on('chainChanged', twice)
  once('chainChanged', (id) => told.push(`once ${id}`))
  const never = () => assert.fail('it was removed')
  once('chainChanged', never)
  assert.equal(removeListener('chainChanged', never), provider)
  assert.throws(() => on('chainChanged', 'x'), TypeError)
  assert.throws(() => once('chainChanged', undefined), TypeError)
  removeListener('nothing', twice)
  await request({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0x2' }] })
  assert.deepEqual(told, ['twice 0x2', 'twice 0x2', 'once 0x2'])
  provider.off('chainChanged', twice)
  await ask('wallet_switchEthereumChain', [{ chainId: '0x1' }])
  assert.deepEqual(told.slice(3), ['twice 0x1'])
})

test('an error of a listener is reported to the page, and the other listeners still get the event', async (t) => {
  const { provider, ask } = await page(t, {
    chains: [
      { chainId: 1, rpcUrls: ['https://a.example'] },
      { chainId: 2, rpcUrls: ['https://b.example'] },
    ],
  })
  const listeners = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  t.after(() => listeners.forEach((listener) => process.on('uncaughtException', listener)))
  const uncaught = new Promise((resolve) => process.once('uncaughtException', resolve))
  const told = []
  provider.on('chainChanged', () => {
    throw new Error('mine')
  })
  provider.on('chainChanged', (id) => told.push(id))
  assert.equal(await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }]), null)
  assert.deepEqual(told, ['0x2'])
  assert.equal((await uncaught).message, 'mine')
})

test('subscriptions arrive as messages', async (t) => {
  const { WebSocket } = globalThis
  t.after(() => {
    globalThis.WebSocket = WebSocket
  })
  const sockets = []
  const answers = { eth_subscribe: { result: '0xs1' }, eth_unsubscribe: { result: true } }
  globalThis.WebSocket = class extends EventTarget {
    constructor(url) {
      super()
      sockets.push(Object.assign(this, { url, sent: [] }))
      queueMicrotask(() => this.dispatchEvent(new Event(url.includes('bad') ? 'close' : 'open')))
    }
    send(text) {
      const { id, method } = JSON.parse(text)
      this.sent.push(method)
      this.hear({ id, ...answers[method] })
    }
    hear(answer) {
      this.dispatchEvent(Object.assign(new Event('message'), { data: JSON.stringify(answer) }))
    }
    close() {
      this.closed = true
    }
  }
  const node = await fakeNode(t)
  const { ask, events } = await page(t, {
    chains: [
      { chainId: 1, rpcUrls: [node.url], webSocketUrl: 'wss://ws.example' },
      { chainId: 2, rpcUrls: [node.url] },
      { chainId: 3, rpcUrls: [node.url], webSocketUrl: 'wss://bad.example' },
    ],
  })
  assert.equal(await ask('eth_subscribe', ['newHeads']), '0xs1')
  const told = (subscription) => sockets[0].hear({ method: 'eth_subscription', params: { subscription, result: { number: '0x1' } } })
  told('0xs1')
  told('0xother')
  assert.deepEqual(events('message'), [{ type: 'eth_subscription', data: { subscription: '0xs1', result: { number: '0x1' } } }])
  assert.equal(await ask('eth_unsubscribe', ['0xs1']), true)
  await until(() => sockets[0].closed)
  told('0xs1')
  assert.equal(events('message').length, 1)

  const own = { code: -32000, message: 'no such thing', data: { it: 1 } }
  answers.eth_subscribe = { error: own }
  await assert.rejects(ask('eth_subscribe', ['newHeads']), own)
  for (const error of ['no', true, {}, { code: '1', message: 'no' }, { code: 1.5, message: 'no' }, { code: 1 }]) {
    answers.eth_subscribe = { error }
    await assert.rejects(ask('eth_subscribe', ['newHeads']), { code: -32603, data: reason('protocol') })
  }
  const connections = sockets.length

  await ask('wallet_switchEthereumChain', [{ chainId: '0x2' }])
  await assert.rejects(ask('eth_subscribe', ['newHeads']), { code: -32601 }, 'without a WebSocket the node answers')
  await ask('wallet_switchEthereumChain', [{ chainId: '0x3' }])
  for (let i = 0; i < 2; i++)
    await assert.rejects(ask('eth_subscribe', ['newHeads']), { code: -32603, data: reason('node-unreachable', true) })
  assert.equal(sockets.length, connections + 2)
})

test('with remember, the accounts are known after a reload', async (t) => {
  const kept = new Map()
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  }
  t.after(() => {
    delete globalThis.localStorage
  })
  const it = await connected(t)
  assert.equal(kept.size, 0)
  const first = it.create({ remember: true })
  await first.request({ method: 'eth_requestAccounts' })
  const second = it.create({ remember: true })
  it.usb.getDevices = () => assert.fail('USB was asked')
  assert.deepEqual(await second.request({ method: 'eth_accounts' }), [A0])
  assert.equal(second.isConnected(), false)
  delete it.usb.getDevices
  await second.request({ method: 'personal_sign', params: ['0x00', A0] })
  assert.equal(second.isConnected(), true)

  // After a reload, the device with the accounts is found among several without the chooser.
  it.usb.devices = [wallet({ serial: 'imKey2', accounts: [B0] }), ...it.usb.devices]
  it.usb.choice = () => assert.fail('the chooser was opened')
  assert.deepEqual(await it.create({ remember: true }).request({ method: 'eth_requestAccounts' }), [A0])

  // Another device with that serial number is not it, and an entry that does not say which device it is counts for nothing.
  const [key] = kept.keys()
  const mine = it.usb.devices
  it.usb.devices = [wallet({ key: '04bb', accounts: [B0] })]
  const third = it.create({ remember: true })
  assert.deepEqual(await third.request({ method: 'eth_accounts' }), [A0])
  await assert.rejects(third.request({ method: 'personal_sign', params: ['0x00', A0] }), { code: 4900 })
  const { device: _, ...without } = JSON.parse(kept.get(key))
  const before = kept.get(key)
  kept.set(key, JSON.stringify(without))
  assert.deepEqual(await it.create({ remember: true }).request({ method: 'eth_accounts' }), [])
  kept.set(key, before)
  it.usb.devices = mine

  // The selected chain is kept, too, if the site still has it.
  const chains = [1, 2].map((chainId) => ({ chainId, rpcUrls: [it.node.url] }))
  const on = (given) => it.create({ remember: true, chains: given }).request({ method: 'eth_chainId' })
  const two = it.create({ remember: true, chains })
  it.usb.devices = it.usb.devices.slice(1)
  await two.request({ method: 'eth_requestAccounts' })
  await two.request({ method: 'wallet_switchEthereumChain', params: [{ chainId: '0x2' }] })
  assert.deepEqual([await on(chains), await on(chains.slice(0, 1)), await on([...chains].reverse())], ['0x2', '0x1', '0x2'])

  await second.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
  assert.equal(kept.size, 1, 'the entry of the other provider')
  await it.create({ remember: true }).request({ method: 'eth_requestAccounts' })
  for (const key of kept.keys()) kept.set(key, '{"accounts":"x"}')
  assert.equal(kept.size, 2)
  assert.deepEqual(await it.create({ remember: true }).request({ method: 'eth_accounts' }), [])
})

test('each provider of a site has its own entry, and a permission that is revoked in one tab is revoked in all', async (t) => {
  const kept = new Map()
  globalThis.localStorage = {
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  }
  const listeners = []
  globalThis.addEventListener = (name, listener) => {
    if (name === 'storage') listeners.push(listener)
  }
  t.after(() => {
    delete globalThis.localStorage
    delete globalThis.addEventListener
  })
  const it = await connected(t)
  const accounts = (provider) => provider.request({ method: 'eth_accounts' })
  const connect = async (more) => {
    const provider = it.create({ remember: true, ...more })
    await provider.request({ method: 'eth_requestAccounts' })
    return provider
  }
  const second = { accounts: ["m/44'/60'/0'/0/1"] }
  const elsewhere = { chains: [{ chainId: 2, rpcUrls: [it.node.url] }] }
  const [one, tab, , two] = [await connect(), await connect(), await connect(elsewhere), await connect(second)]
  assert.deepEqual([await accounts(it.create({ remember: true })), await accounts(it.create({ remember: true, ...second }))], [[A0], [A1]])

  const told = []
  tab.on('accountsChanged', (accounts) => told.push(accounts))
  tab.on('disconnect', (error) => told.push(error.code))
  const before = new Set(kept.keys())
  const tell = (key) => {
    for (const listener of listeners) listener({ key })
  }
  for (const key of before) tell(key) // an entry that was written again without a change has no effect
  assert.deepEqual([told, await accounts(tab)], [[], [A0]])
  await one.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
  const [gone, ...others] = [...before].filter((key) => !kept.has(key))
  assert.equal(others.length, 0)
  tell(gone)
  assert.deepEqual([told, await accounts(tab), await accounts(two)], [[4900, []], [], [A1]])
  kept.clear()
  tell(null)
  assert.deepEqual(await accounts(two), [])
})
