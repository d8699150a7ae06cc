// Permissions, reviews and signatures of coins besides Ethereum.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fakeNode } from '../sdk/testdata/fakewallet.js'
import { A, A0, B, broker, HASH, MemoryStorage, SIGNATURE, T0, T1, until } from './testdata/world.js'

const tron = { coin: 'tron' }
const connect = (site) => site.ask('tron_requestAccounts', [], tron)
const pay = { from: T0, rawData: '0a02' }
const text = { from: T0, message: 'hi', isText: true }

/** code matches an error by its number. */
const code = (number) => (error) => {
  assert.equal(error.code, number, error.message)
  return true
}

test('a permission for one coin is none for another, and each is taken alone', async (t) => {
  const { broker: made, site, shown, device, storage } = await broker(t)
  const a = site(A, { v: 2 })
  assert.deepEqual(await a.ask('eth_requestAccounts'), [A0])
  assert.deepEqual(await a.ask('tron_accounts', [], tron), [], 'the one for Ethereum is none for TRON')
  await assert.rejects(a.ask('tron_signMessage', text, tron), code(4100))
  await assert.rejects(a.ask('tron_signTransaction', pay, tron), code(4100))
  assert.equal(shown.asked.length, 1)

  assert.deepEqual(await connect(a), [T0])
  assert.deepEqual(await connect(a), [T0], 'again, without a question')
  assert.deepEqual(shown.asked[1].what, { kind: 'accounts', coin: 'tron' })
  assert.equal(shown.asked[1].choices[0].path, "m/44'/195'/0'/0/0")
  assert.equal(await a.ask('tron_signMessage', text, tron), SIGNATURE)
  assert.deepEqual(await a.ask('tron_signTransaction', pay, tron), { signature: SIGNATURE.slice(2), txID: HASH.slice(2) })
  assert.deepEqual(
    shown.asked.slice(2).map(({ what }) => [what.kind, what.coin, what.account.address]),
    [
      ['message', 'tron', T0],
      ['tron-transaction', undefined, T0],
    ],
  )
  assert.deepEqual(device.calls.at(-1)[2].from, T0, 'the device has to have the account')
  assert.deepEqual(
    made.state.permissions.map(({ origin, coin = 'ethereum', accounts }) => [coin, origin, accounts[0].address].join(' ')).sort(),
    [`ethereum ${A} ${A0}`, `tron ${A} ${T0}`],
  )
  assert.deepEqual(
    made.state.activity.map(({ coin, kind, account, payment, hash }) => [coin, kind, account, payment, hash]),
    [
      ['tron', 'transaction', T0, '0a02 TRX', HASH.slice(2)],
      ['tron', 'message', T0, undefined, undefined],
    ],
  )

  await made.revoke(A, 'tron')
  assert.deepEqual(a.events.at(-1), ['accountsChanged', [], 'tron'])
  await assert.rejects(a.ask('tron_signMessage', text, tron), code(4100))
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE, 'the other coin goes on')
  assert.deepEqual(await connect(a), [T0])
  await made.revoke(A)
  await assert.rejects(a.ask('personal_sign', ['hi', A0]), code(4100))
  assert.equal(await a.ask('tron_signMessage', text, tron), SIGNATURE)
  assert.equal(await a.ask('tron_revokePermissions', [], tron), null)
  assert.deepEqual(
    [...storage.values.keys()].filter((key) => key.startsWith('permission')),
    [],
  )
})

test('what a user is asked for a coin ends when another window revokes its permission', async (t) => {
  const storage = new MemoryStorage()
  const { site, user, shown } = await broker(t, { storage })
  const a = site(A, { v: 2 })
  await connect(a)
  const key = `permission tron ${A}`
  await until(() => storage.values.has(key))
  user.answer = () => new Promise(() => {})
  const asked = a.ask('tron_signMessage', text, tron)
  await until(() => shown.asked.length === 2)
  storage.values.delete(key)
  for (const watcher of storage.watchers) watcher(key)
  await assert.rejects(asked, code(4100))
})

test('a permission for a coin is there after a restart, and one in another window is followed', async (t) => {
  const storage = new MemoryStorage()
  const first = await broker(t, { storage })
  assert.deepEqual(await connect(first.site(A, { v: 2 })), [T0])
  const second = await broker(t, { storage })
  const a = second.site(A, { v: 2 })
  assert.deepEqual(await a.ask('tron_accounts', [], tron), [T0])
  assert.deepEqual(await a.ask('eth_accounts'), [])
  await first.broker.revoke(A, 'tron')
  for (const watch of storage.watchers) watch(`permission tron ${A}`)
  await until(() => a.events.some(([name, accounts, coin]) => name === 'accountsChanged' && accounts.length === 0 && coin === 'tron'))
  assert.deepEqual(await a.ask('tron_accounts', [], tron), [])
  // What is stored is a claim.
  for (const [key, value] of [
    [`permission tron ${A}`, { origin: B, coin: 'tron', since: 1, used: 1, accounts: [{ address: T0, path: 'm/0' }], serial: null }],
    [`permission tron ${B}`, { origin: B, coin: 'bitcoin', since: 1, used: 1, accounts: [{ address: T0, path: 'm/0' }], serial: null }],
    [`permission ${A}`, { origin: A, coin: 'tron', since: 1, used: 1, accounts: [{ address: T0, path: 'm/0' }], serial: null }],
    [`permission tron ${A} `, { origin: A, coin: 'tron', since: 1, used: 1, accounts: [], serial: null }],
  ]) {
    storage.values.set(key, value)
  }
  const third = await broker(t, { storage })
  await third.broker.ready
  assert.deepEqual(third.broker.state.permissions, [])
})

test('the user decides before the device is asked', async (t) => {
  const { site, user, shown, device } = await broker(t)
  const a = site(A, { v: 2 })
  user.answer = () => ({ yes: false })
  await assert.rejects(connect(a), code(4001))
  assert.deepEqual(device.calls, [])
  user.answer = () => ({ yes: true, accounts: [1, 0] })
  assert.deepEqual(await connect(a), [T1, T0])
  const before = device.calls.length
  user.answer = () => ({ yes: false })
  for (const [method, params] of [
    ['tron_signMessage', text],
    ['tron_signTransaction', pay],
    ['tron_signTypedData', { from: T0, document: {} }],
  ]) {
    await assert.rejects(a.ask(method, params, tron), code(4001), method)
  }
  assert.equal(shown.asked.length, 5)
  // What does not fit asks no one.
  for (const [method, params, number] of [
    ['tron_signMessage', { ...text, extra: 1 }, -32602],
    ['tron_signMessage', { ...text, version: 3 }, -32602],
    ['tron_signMessage', { ...text, version: 1 }, -32602],
    ['tron_signMessage', { ...text, message: 'x', isText: false }, -32602],
    ['tron_signTransaction', { ...pay, rawData: 'xyz' }, -32602],
    ['tron_signTransaction', [pay], -32602],
    ['tron_signTransaction', { ...pay, from: T1 }, 4100],
    ['tron_signMessage', { ...text, from: A0 }, 4100],
    ['tron_getAccount', {}, 4200],
    ['personal_sign', ['hi', A0], 4200],
    ['__proto__', {}, 4200],
  ]) {
    await assert.rejects(a.ask(method, params, tron), code(number), `${method} ${JSON.stringify(params)}`)
  }
  assert.equal(shown.asked.length, 5)
  assert.equal(device.calls.length, before)
})

test('requests at once ask once, and another wallet on the device ends the permission', async (t) => {
  const { site, shown, device, usb } = await broker(t)
  const a = site(A, { v: 2 })
  assert.deepEqual(await Promise.all([connect(a), connect(a), a.ask('eth_requestAccounts'), connect(a)]), [[T0], [T0], [A0], [T0]])
  assert.deepEqual(
    shown.asked.map(({ what }) => what.coin),
    ['tron', undefined],
  )
  device['tron.signMessage'] = () => {
    throw device.error('invalid-argument', { data: { at: 'from', reason: 'foreign-from' } })
  }
  await assert.rejects(a.ask('tron_signMessage', text, tron), code(4100))
  assert.deepEqual(a.events.at(-1), ['accountsChanged', [], 'tron'])
  assert.deepEqual(await a.ask('tron_accounts', [], tron), [])
  delete device['tron.signMessage']
  assert.deepEqual(await connect(a), [T0])
  usb.devices = []
  usb.plug('disconnect', device)
  await assert.rejects(a.ask('tron_signMessage', text, tron), code(4900))
  assert.deepEqual(shown.unreached, ['device-disconnected'])
})

test('a client of version 1 has no other coin, and hears of none', async (t) => {
  const { site, broker: made } = await broker(t)
  const old = site(A)
  const now = site(A, { v: 2 })
  assert.equal((await old.welcome()).v, 1)
  await assert.rejects(connect(old), code(-32600))
  assert.deepEqual(await connect(now), [T0])
  await made.revoke(A, 'tron')
  assert.deepEqual(now.events.at(-1), ['accountsChanged', [], 'tron'])
  assert.deepEqual(old.events, [])
})

const bitcoin = { coin: 'bitcoin' }
const main = { network: 'mainnet' }

test('a permission of Bitcoin is for one network, and a high fee needs a yes of its own', async (t) => {
  const { site, user, shown, device, broker: made } = await broker(t)
  const a = site(A, { v: 2 })
  const accounts = await a.ask('bitcoin_requestAccounts', main, bitcoin)
  assert.deepEqual(
    accounts.map(({ purpose, path }) => [purpose, path]),
    [
      ['payment', "m/84'/0'/0'/0/0"],
      ['ordinals', "m/86'/0'/0'/0/0"],
      ['change', "m/84'/0'/0'/1/0"],
    ],
  )
  assert.ok(!JSON.stringify(accounts).includes('xpub'), 'a site gets no extended key')
  assert.ok(!JSON.stringify(made.state).includes('xpub'))
  assert.deepEqual(shown.asked[0].what, { kind: 'accounts', coin: 'bitcoin', network: 'mainnet' })
  assert.deepEqual(await a.ask('bitcoin_accounts', main, bitcoin), accounts)
  assert.deepEqual(await a.ask('bitcoin_accounts', { network: 'testnet' }, bitcoin), [], 'not of another network')
  assert.deepEqual(await a.ask('bitcoin_describeAddress', { address: 'x', ...main }, bitcoin), { script: 'x', dust: 294 })

  const from = accounts[0].address
  assert.deepEqual(await a.ask('bitcoin_signMessage', { from, message: 'hi', isText: true, scheme: 'bip322' }, bitcoin), {
    signature: 'c2ln',
    hash: '0x00',
  })
  const psbt = { psbt: 'bG93', finalize: true, inputs: [0] }
  assert.equal((await a.ask('bitcoin_signPsbt', psbt, bitcoin)).psbt, 'c2lnbmVk')
  const [, , { inputs, maxFee, paths }] = device.calls.at(-1)
  assert.deepEqual([inputs, maxFee, paths.length], [[0], 7, 3], 'what was shown is what is signed')
  assert.equal(made.state.activity[0].payment, '0.00000005 BTC to someone')
  assert.equal(made.state.activity[0].hash, HASH.slice(2))

  const high = { ...psbt, psbt: 'aGlnaA==' }
  await assert.rejects(a.ask('bitcoin_signPsbt', high, bitcoin), code(4001), 'a yes alone is not enough')
  user.answer = () => ({ yes: true, override: true })
  assert.equal((await a.ask('bitcoin_signPsbt', high, bitcoin)).psbt, 'c2lnbmVk')

  // Another wallet on the device.
  device['bitcoin.getAddress'] = () => ({ address: 'another' })
  const before = device.calls.length
  await assert.rejects(a.ask('bitcoin_signPsbt', psbt, bitcoin), code(4100))
  assert.equal(device.calls.length, before + 1)
  assert.deepEqual(await a.ask('bitcoin_accounts', main, bitcoin), [])
  delete device['bitcoin.getAddress']
  await a.ask('bitcoin_requestAccounts', { network: 'testnet' }, bitcoin)
  assert.equal(shown.asked.at(-1).choices[0].path, "m/84'/1'/0'")
  assert.equal((await a.ask('bitcoin_requestAccounts', main, bitcoin))[0].path, "m/84'/0'/0'/0/0", 'another network is asked for again')
})

const cosmos = { coin: 'cosmos' }

test('Cosmos signs documents of a prefix, and shows text as text', async (t) => {
  const { site, shown, device, broker: made } = await broker(t)
  const a = site(A, { v: 2 })
  const [account] = await a.ask('cosmos_requestAccounts', { network: 'osmo' }, cosmos)
  assert.deepEqual(account, { address: 'osmo1own', path: "m/44'/118'/0'/0/0", publicKey: '0x02' })
  assert.deepEqual(await a.ask('cosmos_accounts', { network: 'cosmos' }, cosmos), [], 'not of another prefix')
  const from = account.address
  const amino = (type, value) => ({ from, document: { chain_id: 'cosmoshub-4', msgs: [{ type, value }] } })
  const sent = await a.ask('cosmos_signAmino', amino('cosmos-sdk/MsgSend', {}), cosmos)
  assert.deepEqual(sent.signature, { signature: 'c2ln' })
  assert.deepEqual(device.calls.at(-1)[2].prefix, 'osmo')
  assert.equal(shown.asked.at(-1).what.messages.length, 1)
  await a.ask('cosmos_signAmino', amino('sign/MsgSignData', { data: 'aGVsbG8=' }), cosmos)
  assert.deepEqual([shown.asked.at(-1).what.kind, shown.asked.at(-1).what.message], ['message', 'hello'])
  const direct = { from, bodyBytes: '0x0a010b', authInfoBytes: '0x0b', chainId: 'cosmoshub-4', accountNumber: '7' }
  assert.deepEqual(await a.ask('cosmos_signDirect', direct, cosmos), { signature: { signature: 'c2ln' } })
  assert.equal(device.calls.at(-1)[1].accountNumber, 7n)
  assert.deepEqual(shown.asked.at(-1).what.messages, ['0x0b'])
  // A document of another account asks no one, and ends no permission.
  const asked = shown.asked.length
  await assert.rejects(a.ask('cosmos_signAmino', amino('sign/MsgSignData', { signer: 'osmo1other', data: 'aGVsbG8=' }), cosmos), code(4100))
  assert.equal(shown.asked.length, asked)
  assert.equal((await a.ask('cosmos_accounts', { network: 'osmo' }, cosmos)).length, 1)
  await assert.rejects(a.ask('cosmos_signDirect', { ...direct, accountNumber: -7 }, cosmos), code(-32602))
  assert.deepEqual(
    made.state.activity.map(({ coin, kind }) => [coin, kind]),
    [
      ['cosmos', 'transaction'],
      ['cosmos', 'message'],
      ['cosmos', 'transaction'],
    ],
  )
})

test('only the node that the user chose hears of addresses of Bitcoin, and only those of the site', async (t) => {
  const network = { network: 'mainnet' }
  const bitcoin = { coin: 'bitcoin' }
  const txid = 'ab'.repeat(32)
  const none = await broker(t)
  const refused = none.site(A, { v: 2 })
  const [{ address }] = await refused.ask('bitcoin_requestAccounts', network, bitcoin)
  const asked = []
  const real = globalThis.fetch
  t.after(() => (globalThis.fetch = real))
  globalThis.fetch = async (url, init) => {
    if (!String(url).startsWith('https://node.example/')) return real(url, init)
    asked.push([url, init])
    if (url.endsWith('/utxo')) return new Response(JSON.stringify([{ txid, vout: 1, value: 5, status: {} }]))
    if (url.endsWith('/fee-estimates')) return new Response('{"6":2.5}')
    return new Response(url.endsWith('/hex') ? '0100' : txid)
  }
  await assert.rejects(refused.ask('bitcoin_utxos', { address }, bitcoin), (thrown) => {
    assert.deepEqual([thrown.code, thrown.data.reason], [4200, 'no-node'])
    return true
  })
  assert.deepEqual(asked, [])

  const node = 'https://node.example/api/'
  const { site } = await broker(t, { bitcoinNode: node })
  const a = site(A, { v: 2 })
  for (const [method, params] of [
    ['bitcoin_utxos', { address }],
    ['bitcoin_feeRate', {}],
  ]) {
    await assert.rejects(a.ask(method, params, bitcoin), code(4100), 'without a permission')
  }
  await a.ask('bitcoin_requestAccounts', network, bitcoin)
  await assert.rejects(a.ask('bitcoin_utxos', { address: '1BgGZ9tcN4rm9KBzDn7KprQz87SZ26SAMH' }, bitcoin), code(4100))
  assert.deepEqual(asked, [])
  assert.deepEqual(await a.ask('bitcoin_utxos', { address }, bitcoin), [{ txid, vout: 1, value: 5 }])
  assert.equal(await a.ask('bitcoin_feeRate', {}, bitcoin), 2.5)
  assert.equal(await a.ask('bitcoin_transaction', { txid }, bitcoin), '0100')
  assert.equal(await a.ask('bitcoin_broadcast', { transaction: '0100' }, bitcoin), txid)
  assert.deepEqual(
    asked.map(([url, { method = 'GET', credentials, referrerPolicy, redirect }]) =>
      [url, method, credentials, referrerPolicy, redirect].join(' '),
    ),
    [`GET /address/${address}/utxo`, 'GET /fee-estimates', `GET /tx/${txid}/hex`, 'POST /tx'].map(
      (line) => `https://node.example/api${line.split(' ')[1]} ${line.split(' ')[0]} omit no-referrer error`,
    ),
  )
  for (const [answer, method, params] of [
    ['[{"txid":"ab","vout":0,"value":1}]', 'bitcoin_utxos', { address }],
    [`[{"txid":"${txid}","vout":0,"value":-1}]`, 'bitcoin_utxos', { address }],
    ['<html>', 'bitcoin_utxos', { address }],
    ['{"6":"much"}', 'bitcoin_feeRate', {}],
    ['x'.repeat(9 << 20), 'bitcoin_transaction', { txid }],
  ]) {
    globalThis.fetch = async () => new Response(answer) // the module is loaded by now
    await assert.rejects(a.ask(method, params, bitcoin), code(-32603), answer.slice(0, 40))
  }
  globalThis.fetch = async () => new Response('', { status: 500 })
  await assert.rejects(a.ask('bitcoin_feeRate', {}, bitcoin), code(-32603))
  globalThis.fetch = async () => {
    throw new TypeError('no network')
  }
  await assert.rejects(a.ask('bitcoin_feeRate', {}, bitcoin), code(-32603))
})

/** bitcoinWorld has two sites with a permission for Bitcoin. node.reply answers what the chosen node is asked. */
async function bitcoinWorld(t, options) {
  const node = await fakeNode(t)
  const { site } = await broker(t, { ...options, bitcoinNode: node.url })
  const bitcoin = { coin: 'bitcoin' }
  const sites = [site(A, { v: 2 }), site(B, { v: 2 })]
  for (const one of sites) [{ address: one.address }] = await one.ask('bitcoin_requestAccounts', { network: 'mainnet' }, bitcoin)
  const txid = 'ab'.repeat(32)
  const all = ({ address }) => [
    ['bitcoin_utxos', { address }, bitcoin],
    ['bitcoin_transaction', { txid }, bitcoin],
    ['bitcoin_feeRate', {}, bitcoin],
    ['bitcoin_broadcast', { transaction: '0100' }, bitcoin],
  ]
  return { node, sites, all }
}

test('a node for Bitcoin that breaks off or stops within its answer cannot be reached', async (t) => {
  const { node, sites, all } = await bitcoinWorld(t, { rpcTimeout: 300 })
  const [a] = sites
  for (const [reply, reason] of [
    [(response) => response.write('[', () => response.destroy()), 'node-unreachable'],
    [(response) => response.destroy(), 'node-unreachable'],
    [(response) => response.write('['), 'timeout'],
    [() => {}, 'timeout'],
  ]) {
    node.reply = reply
    const refused = all(a).map((request) =>
      assert.rejects(a.ask(...request), ({ code, message, data }) => {
        assert.deepEqual([code, data.code, data.retryable], [-32603, reason, true], `${request[0]}: ${message}`)
        assert.match(message, /^The node for Bitcoin /)
        return true
      }),
    )
    await Promise.all(refused)
  }
})

test('a node for Bitcoin is asked no longer once the request was cancelled, or the site left', async (t) => {
  const { node, sites, all } = await bitcoinWorld(t)
  const [a, b] = sites
  const under = []
  node.reply = (response) => {
    response.write('[')
    under.push(new Promise((resolve) => response.on('close', resolve)))
  }
  const begun = all(a).map((request) => a.begin(...request))
  await until(() => under.length === begun.length)
  for (const { cancel, answer } of begun) {
    cancel()
    await assert.rejects(answer, ({ data }) => data.code === 'aborted')
  }
  await Promise.all(under)
  for (const request of all(b)) void b.begin(...request)
  await until(() => under.length === 2 * begun.length)
  b.gone()
  await Promise.all(under)
})

test('what the node for Bitcoin answers a site at once is bounded, and leaves room for another site', async (t) => {
  const { node, sites, all } = await bitcoinWorld(t)
  const [a, b] = sites
  const open = []
  const megabyte = Buffer.alloc(1 << 20, 0x20)
  node.reply = (response) => {
    for (let i = 0; i < 7; i++) response.write(megabyte)
    open.push(response)
  }
  const [, transaction, fee] = all(a)
  const answers = []
  const begun = Array.from({ length: 12 }, () => a.begin(...transaction).answer)
  for (const answer of begun) answer.catch((error) => answers.push(error.code))
  await until(() => answers.length >= 3)
  assert.ok(
    answers.every((code) => code === -32005),
    answers.join(),
  )
  assert.ok(answers.length <= 11, 'the others are being read')
  node.reply = (response) => response.end(Buffer.concat([megabyte, megabyte, Buffer.from('{"6":2.5}')]))
  assert.equal(await b.ask(...fee), 2.5, 'the other site')
  for (const response of open) response.end()
  await Promise.allSettled(begun)
  assert.equal(await a.ask(...fee), 2.5, 'the site itself goes on')
})
