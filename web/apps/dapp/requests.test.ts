import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  askedOn,
  demoSpender,
  demoToken,
  failureOf,
  hexOf,
  isAddress,
  json,
  ownNode,
  parseUnits,
  sendTransaction,
  signMessage,
  signPermit,
  unlimited,
  warningsOf,
  type Request,
} from './requests'

const account = '0x6031564e7b2F5cc33737807b2E58DaFF870B590b'

test('what a user could overlook in a transaction is said', () => {
  const summary = { kind: 'transfer', payment: '1.0 ETH', receiver: account, fee: '0.1 ETH', unlimited: false } as const
  const allow = 'Allow NFT no. 0 or 0 units of token 0x'
  assert.deepEqual(warningsOf(undefined), [])
  assert.deepEqual(warningsOf(summary), [])
  assert.deepEqual(warningsOf({ ...summary, kind: 'token-approval', payment: allow }), ['nft-or-tokens'])
  assert.deepEqual(warningsOf({ ...summary, kind: 'approval-for-all', unlimited: true }), ['all-nfts'])
  assert.deepEqual(warningsOf({ ...summary, kind: 'approval-for-all' }), [], 'which ends the permission')
  assert.deepEqual(warningsOf({ ...summary, notes: ['data-fee', 'delegation'] }), ['data-fee', 'delegation'])
})

test('amounts are read exactly, or not at all', () => {
  assert.equal(parseUnits('1'), 10n ** 18n)
  assert.equal(parseUnits(' 0.01 '), 10n ** 16n)
  assert.equal(parseUnits('0.000000000000000001'), 1n)
  assert.equal(parseUnits('0'), 0n)
  assert.equal(parseUnits('12.5', 6), 12_500_000n)
  for (const bad of [
    '',
    '.',
    '1.',
    '.5',
    '-1',
    '+1',
    '1e3',
    '0x1',
    '1,5',
    '1 2',
    '0.0000000000000000001',
    '9'.repeat(60),
    '1'.repeat(70),
  ]) {
    assert.equal(parseUnits(bad), undefined, bad)
  }
})

test('a message is sent as the bytes of its text, so that none is taken for hex', () => {
  assert.equal(hexOf('hi'), '0x6869')
  assert.equal(hexOf('绑'), '0xe7bb91')
  assert.equal(hexOf('0x00'), '0x30783030')
  assert.deepEqual(signMessage(account, 'hi'), { method: 'personal_sign', params: ['0x6869', account] })
})

test('a permit is typed data for the selected chain', () => {
  const { method, params } = signPermit(account, 31337, unlimited, 1_800_000_000)
  assert.equal(method, 'eth_signTypedData_v4')
  const [from, document] = params as [
    string,
    { domain: { chainId: number }; message: Record<string, unknown>; types: Record<string, { name: string }[]> },
  ]
  assert.equal(from, account)
  assert.equal(document.domain.chainId, 31337)
  assert.equal(document.message['value'], String(2n ** 256n - 1n))
  assert.deepEqual(
    Object.keys(document.message),
    document.types['Permit']!.map(({ name }) => name),
  )
})

test('the addresses of the demonstration are addresses', () => {
  for (const address of [demoToken, demoSpender]) assert.ok(isAddress(address), address)
})

function transaction(request: Request | string): Record<string, unknown> {
  assert.ok(typeof request === 'object')
  assert.equal(request.method, 'eth_sendTransaction')
  return request.params![0] as Record<string, unknown>
}

test('a transaction has the fields of its kind', () => {
  const fields = { to: demoSpender, amount: '0.5', data: '0x3ccfd60b' }
  assert.deepEqual(transaction(sendTransaction(account, 'coins', fields)), { from: account, to: demoSpender, value: '0x6f05b59d3b20000' })
  const word = demoSpender.slice(2).padStart(64, '0')
  assert.deepEqual(transaction(sendTransaction(account, 'tokens', fields)), {
    from: account,
    to: demoToken,
    data: '0xa9059cbb' + word + (5n * 10n ** 17n).toString(16).padStart(64, '0'),
  })
  assert.deepEqual(transaction(sendTransaction(account, 'approve', fields)), {
    from: account,
    to: demoToken,
    data: '0x095ea7b3' + word + 'f'.repeat(64),
  })
  assert.deepEqual(transaction(sendTransaction(account, 'unknown', fields)), { from: account, to: demoSpender, data: '0x3ccfd60b' })
})

test('a mistake in a transaction is reported with its field', () => {
  const fields = { to: demoSpender, amount: '1', data: '0x00' }
  for (const to of ['', '0x', demoSpender.slice(1), demoSpender + '0', '0x' + 'g'.repeat(40)]) {
    assert.equal(sendTransaction(account, 'coins', { ...fields, to }), 'to')
  }
  assert.equal(sendTransaction(account, 'coins', { ...fields, amount: 'much' }), 'amount')
  assert.equal(sendTransaction(account, 'tokens', { ...fields, amount: '' }), 'amount')
  for (const data of ['', '0x', '0x1', '00', '0xzz']) assert.equal(sendTransaction(account, 'unknown', { ...fields, data }), 'data')
})

test('only nodes on this computer are accepted', () => {
  for (const url of ['http://127.0.0.1:8545', 'http://localhost:8545', 'http://localhost:8545/path', 'http://localhost'])
    assert.ok(ownNode(url), url)
  for (const url of [
    '',
    'localhost:8545',
    'https://localhost:8545',
    'ws://localhost:8545',
    'http://example.org',
    'http://localhost.example.org',
    'http://127.0.0.1.example.org',
    'http://a:b@localhost',
    'http://10.0.0.1:8545',
    'javascript:alert(1)',
  ]) {
    assert.ok(!ownNode(url), url)
  }
})

test('a request is shown as the same JSON in few lines', () => {
  for (const value of [
    null,
    1,
    'a"b',
    [],
    {},
    [1, [2, { a: null }]],
    signPermit(account, 1, 1n, 2).params,
    { a: { b: ['x'.repeat(100)] } },
  ]) {
    assert.deepEqual(JSON.parse(json(value)), value)
  }
  assert.equal(json({ name: 'chainId', type: 'uint256' }), '{ "name": "chainId", "type": "uint256" }')
  assert.equal(json(10n), '10')
  assert.equal(json(undefined), 'undefined')
})

test('all kinds of failures are read', () => {
  const rpc = Object.assign(new Error('rejected'), { code: 4001, data: { code: 'user-rejected', retryable: true } })
  assert.deepEqual(failureOf(rpc), { code: 4001, message: 'rejected', reason: 'user-rejected', data: rpc.data, putAway: false })
  const node = Object.assign(new Error('insufficient funds'), { code: -32000, data: '0x' })
  assert.equal(failureOf(node).reason, undefined)
  assert.deepEqual(failureOf('text'), { code: -32603, message: 'text', reason: undefined, data: undefined, putAway: false })
  const away = Object.assign(new Error('put away'), {
    code: -32603,
    data: { code: 'aborted', retryable: true },
    cause: { data: { reason: 'page-hidden' } },
  })
  assert.equal(failureOf(away).putAway, true)
  assert.equal(failureOf(null).message, 'null')
})

test('of a simulated screen only questions are shown, and nothing while the screen may show a code', () => {
  const screen = ['Sign message:', 'hi', '', 'OK or Cancel']
  assert.deepEqual(askedOn({ screen, binding: 'bound', asking: true }), screen)
  assert.equal(askedOn({ screen, binding: 'bound', asking: false }), null)
  assert.equal(askedOn({ screen, binding: 'bound' }), null)
  assert.equal(askedOn({ screen: ['', 'PVU3FY64', '', ''], binding: 'code-shown', asking: true }), null)
  assert.equal(askedOn({ screen, binding: 'none', asking: true }), null)
})
