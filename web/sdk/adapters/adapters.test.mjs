// The npm package's entry points, imported by name: a connector as wagmi calls it, a module as web3-onboard calls it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ProviderRpcError } from 'imkey-connect'
import onboard, { imKey as keyring } from 'imkey-connect/keyring'
import { imKey } from 'imkey-connect/wagmi'
import { FakeUSB } from '../testdata/fakeusb.js'
import { A0, A1, fakeNode, SIGNATURE, wallet } from '../testdata/fakewallet.js'

const usb = (device) => Object.assign(new FakeUSB(), { devices: [device] })
const load = (device) => ({ usb: usb(device), wasmURL: `${process.env.SITE}/imkey.wasm`, store: 'memory', pairing: 'none' })
const coin = { name: 'Ether', symbol: 'ETH', decimals: 18 }

async function connector(t, parameters) {
  const [one, ten] = [await fakeNode(t), await fakeNode(t, { eth_chainId: '0xa', eth_blockNumber: '0xaa' })]
  const emitted = []
  const chains = [
    { id: 1, name: 'One', nativeCurrency: coin, rpcUrls: { default: { http: ['https://unused.example'] } } },
    { id: 10, name: 'Ten', nativeCurrency: coin, rpcUrls: { default: { http: [ten.url] } } },
  ]
  const device = wallet()
  const it = imKey({ ...load(device), ...parameters })({
    chains,
    transports: { 1: () => ({ value: { url: one.url } }) },
    emitter: { emit: (...event) => emitted.push(event) },
  })
  return { it, emitted, one, device }
}

test('wagmi connects, lists the accounts, switches the chain and disconnects', async (t) => {
  const { it, emitted, one } = await connector(t, { accounts: 2 })
  assert.equal(imKey.type, it.type)
  assert.match(it.icon, /^data:image\//)
  assert.equal(await it.isAuthorized(), false)
  assert.deepEqual(await it.connect(), { accounts: [A0, A1], chainId: 1 })
  assert.deepEqual(
    (await it.connect({ withCapabilities: true })).accounts,
    [A0, A1].map((address) => ({ address, capabilities: {} })),
  )
  assert.deepEqual(await it.connect({ isReconnecting: true, chainId: 10 }), { accounts: [A0, A1], chainId: 10 })
  assert.deepEqual(emitted, [['change', { chainId: 10 }]], 'one event, however often it connects')
  assert.equal(await it.isAuthorized(), true)
  const provider = await it.getProvider()
  assert.equal(provider, await it.getProvider())
  assert.equal(await provider.request({ method: 'eth_blockNumber' }), '0xaa', "the chain's own node")
  assert.equal((await it.switchChain({ chainId: 1 })).id, 1)
  one.answers.eth_blockNumber = '0x1'
  assert.equal(await provider.request({ method: 'eth_blockNumber' }), '0x1', "the transport's node")
  await assert.rejects(it.switchChain({ chainId: 5 }), /not among those/)
  emitted.length = 0
  await it.disconnect()
  assert.deepEqual([await it.isAuthorized(), emitted], [false, []], 'no event, since wagmi itself disconnected')
})

/** nodesOf asks the nodes of a chain, for a transport as viem makes it. */
async function nodesOf(t, value, parameters) {
  const own = await fakeNode(t, { eth_blockNumber: '0xdef' })
  const chains = [{ id: 1, name: 'One', nativeCurrency: coin, rpcUrls: { default: { http: [own.url] } } }]
  const it = imKey({ ...load(wallet()), ...parameters })({ chains, transports: { 1: () => ({ value }) }, emitter: { emit() {} } })
  return (await it.getProvider()).request({ method: 'eth_blockNumber' })
}

test('the nodes of wagmi are asked with their headers, and a fallback has several', async (t) => {
  const [one, two] = [await fakeNode(t, { eth_blockNumber: '0x1' }), await fakeNode(t, { eth_blockNumber: '0x2' })]
  for (const headers of [{ 'X-Key': 'a' }, new Headers({ 'X-Key': 'a' }), [['X-Key', 'a']]]) {
    assert.equal(await nodesOf(t, { url: one.url, fetchOptions: { headers } }), '0x1')
    assert.equal(one.headers['x-key'], 'a')
  }
  assert.equal(await nodesOf(t, { url: one.url, fetchOptions: { credentials: 'include' } }), '0x1')
  const fallback = { transports: [{ value: { url: one.url } }, { value: { url: two.url, fetchOptions: { headers: { 'X-Key': 'b' } } } }] }
  assert.equal(await nodesOf(t, fallback), '0x1')
  one.reply = (response) => response.writeHead(429).end()
  assert.equal(await nodesOf(t, fallback), '0x2')
  assert.deepEqual([one.headers['x-key'], two.headers['x-key']], [undefined, 'b'])
  for (const none of [undefined, {}, { url: 'wss://node.example' }, { transports: [] }, { transports: [{ value: {} }] }]) {
    assert.equal(await nodesOf(t, none), '0xdef', "the chain's own nodes")
  }
  assert.equal(await nodesOf(t, fallback, { rpcUrls: { 1: [{ url: two.url, headers: { 'X-Key': 'c' } }] } }), '0x2')
  assert.equal(two.headers['x-key'], 'c')
})

test('a relative address of wagmi is resolved against the page', async (t) => {
  const node = await fakeNode(t, { eth_blockNumber: '0x1' })
  globalThis.location = new URL('/app/', node.url)
  t.after(() => delete globalThis.location)
  assert.equal(await nodesOf(t, { url: '/api/rpc/1' }), '0x1')
  assert.equal(node.path, '/api/rpc/1')
})

test('maxFees limits the fee of a chain', async (t) => {
  const { it, one } = await connector(t, { maxFees: { 1: 1n } })
  await it.connect()
  const provider = await it.getProvider()
  await assert.rejects(provider.request({ method: 'eth_sendTransaction', params: [{ to: A1 }] }), /more than 0\.0+1 ETH/)
  assert(one.methods().includes('eth_chainId'))
})

/** warned collects the warnings of a test. */
function warned(t) {
  const warnings = []
  t.mock.method(console, 'warn', (text) => warnings.push(text))
  return warnings
}

test('a chain that cannot be used does not keep wagmi from the others', async (t) => {
  const warnings = warned(t)
  const node = await fakeNode(t)
  const rpc = (...http) => ({ default: { http } })
  const chain = (id, name, more) => ({ id, name, nativeCurrency: coin, rpcUrls: rpc(node.url), ...more })
  const chains = [
    chain(4217, 'Tempo', { nativeCurrency: { name: 'USD', symbol: 'USD', decimals: 6 } }),
    chain(1, 'One'),
    chain(2, 'Two', { rpcUrls: { default: { http: [node.url], webSocket: ['https://socket.example'] } } }),
    chain(3, 'Three', { rpcUrls: rpc('http://plain.example') }),
    chain(4, 'Four', { rpcUrls: {} }),
    chain(5, 'Five', { rpcUrls: undefined }),
    chain(6, 'Six', { rpcUrls: rpc() }),
    chain(7, 'Seven'),
    chain(8, 'Eight', { rpcUrls: rpc('wss://socket.example', node.url) }),
    chain(9, 'Nine'),
  ]
  const transports = {
    6: () => {
      throw new Error('no URL') // as viem's http()
    },
    9: () => ({ value: { url: 'wss://socket.example' } }),
  }
  const it = imKey(load(wallet()))({ chains, transports, emitter: { emit() {} } })
  assert.deepEqual(await it.connect(), { accounts: [A0], chainId: 1 })
  const { unusableChains } = await it.getProvider()
  assert.deepEqual(
    unusableChains.map(({ chainId, chainName }) => [chainId, chainName]),
    [
      [4217, 'Tempo'],
      [2, 'Two'],
      [3, 'Three'],
      [4, 'Four'],
      [5, 'Five'],
      [6, 'Six'],
    ],
  )
  for (const { chainName, reason } of unusableChains) {
    assert(
      warnings.some((text) => text.includes(chainName) && text.includes(reason)),
      chainName,
    )
  }
  for (const chainId of [7, 8, 9, 1]) assert.equal((await it.switchChain({ chainId })).id, chainId)
  await assert.rejects(it.switchChain({ chainId: 4217 }), { code: 4902, message: /cannot be used.*18 decimals/ })
  await assert.rejects(it.connect({ chainId: 3 }), { code: 4902, message: /https:/ })
  assert.equal(await it.getChainId(), 1)
})

test('if wagmi has no chain that can be used, the error says why of each', async () => {
  const chains = ['Tempo', 'Other'].map((name, i) => ({
    id: 4217 + i,
    name,
    nativeCurrency: { ...coin, decimals: 6 },
    rpcUrls: { default: { http: ['https://a.example'] } },
  }))
  const it = imKey(load(wallet()))({ chains, emitter: { emit() {} } })
  await assert.rejects(it.connect(), { code: 'invalid-argument', message: /chain 4217.*chain 4218/ })
})

test('accounts that are revoked elsewhere end the connection of wagmi', async (t) => {
  const { it, emitted } = await connector(t)
  await it.connect()
  const provider = await it.getProvider()
  await provider.request({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
  assert.deepEqual(emitted, [['disconnect']])
})

test('errors are of the classes of the package', async (t) => {
  const { it, device } = await connector(t)
  device.refuses = (host) => host.makeError('user-rejected', 'no', 0x6940, true)
  await assert.rejects(it.connect(), (error) => error instanceof ProviderRpcError && error.code === 4001)
})

test('web3-onboard gets a provider for its chains', async (t) => {
  assert.equal(onboard, keyring)
  const node = await fakeNode(t, { eth_chainId: '0xa' })
  const module = onboard({ ...load(wallet()), rpcUrls: { 10: node.url } })()
  assert.equal(module.label, 'imKey')
  assert.match(await module.getIcon(), /^data:image\//)
  const { provider } = await module.getInterface({ chains: [{ id: '0x1' }, { id: '0xa', token: 'OP', rpcUrl: 'https://unused.example' }] })
  assert.equal(await provider.request({ method: 'eth_chainId' }), '0xa')
  assert.deepEqual(await provider.request({ method: 'eth_requestAccounts' }), [A0])
  assert.equal(await provider.request({ method: 'personal_sign', params: ['0x00', A0] }), SIGNATURE)
})

test('a chain that cannot be used does not keep web3-onboard from the others', async (t) => {
  const warnings = warned(t)
  const node = await fakeNode(t)
  const { provider } = await onboard(load(wallet()))().getInterface({
    chains: [
      { id: '0x5', token: 'A COIN', label: 'Five', rpcUrl: node.url },
      { id: 'five', label: 'Words', rpcUrl: node.url },
      { id: '0x1', token: 'ETH', label: 'One', rpcUrl: node.url },
      { id: '0x2', label: 'Two', rpcUrl: 'http://plain.example' },
    ],
  })
  assert.deepEqual(await provider.request({ method: 'eth_requestAccounts' }), [A0])
  assert.equal(await provider.request({ method: 'eth_chainId' }), '0x1')
  assert.deepEqual(
    provider.unusableChains.map(({ chainName }) => chainName),
    ['Five', 'Words', 'Two'],
  )
  assert.deepEqual(
    ['Five', 'Words', 'Two'].map((name) => warnings.filter((text) => text.includes(name)).length),
    [1, 1, 1],
  )
})
