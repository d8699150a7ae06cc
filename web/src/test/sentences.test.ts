import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rpcError } from '../provider/errors'
import { NodeError, Refusal, badParams } from '../provider/refusal'
import { failure, invalid } from '../sdk/errors'
import { worded } from '../sdk/sentences'
import type { ErrorCode } from '../sdk/types/imkey'

const codes = process.env['ERROR_CODES']!.split(',') as ErrorCode[]

/** What happened, and what to do next. */
const sentences = /^[A-Z][^()]+\. [A-Z][^()]+\.$/

test('every code has its sentences, and is no part of them', () => {
  const seen = new Set<string>()
  for (const code of codes) {
    assert.match(worded(code, ''), sentences, code)
    seen.add(worded(code, ''))
    if (code.includes('-')) assert.ok(!worded(code, '').includes(code), code)
  }
  assert.equal(seen.size, codes.length)
})

test('a reason that the sentences for the code would mislead about has its own', () => {
  for (const [code, reason] of [
    ['not-bound', 'not-remembered'], ['internal', 'download'], ['invalid-argument', 'name'], ['invalid-argument', 'passphrase'],
    ['invalid-argument', 'unknown-device'], ['invalid-argument', 'foreign-from'],
  ] as const) {
    assert.match(worded(code, '', { reason }), sentences)
    assert.notEqual(worded(code, '', { reason }), worded(code, ''), reason)
  }
  for (const reason of [undefined, 5, 'toString', '__proto__']) {
    assert.equal(worded('locked', '', { reason }), worded('locked', ''))
  }
})

test('what helps a developer comes after them', () => {
  const error = failure('wallet-missing', 'public key: status word F000', { statusWord: 0xF000, retryable: true })
  assert.equal(error.message,
    'There is no wallet on the imKey yet. Create or restore one on the device, then try again. (public key: status word F000)')
  assert.equal(error.code, 'wallet-missing')
})

test('an error of the provider keeps message and facts', () => {
  const error = failure('in-use-elsewhere', 'lock', { retryable: true, data: { holder: 'tab', reason: 'no-answer', code: 'another', retryable: 5 } })
  const { code, message, data, cause } = rpcError(error)
  assert.equal(code, -32002)
  assert.equal(message, error.message)
  assert.deepEqual(data, { holder: 'tab', reason: 'no-answer', code: 'in-use-elsewhere', retryable: true })
  assert.equal(cause, error)
})

test("the engine's errors begin with a sentence, and a node's are left as they are", () => {
  assert.equal(rpcError(badParams('no list')).message, invalid('no list').message)
  assert.deepEqual(rpcError(badParams('no list')).data, { code: 'invalid-argument', retryable: false })
  assert.equal(rpcError(new Refusal(4900, 'The imKey is not plugged in. Plug it in.', 'device-disconnected', true)).message,
    'The imKey is not plugged in. Plug it in.')
  const node = rpcError(new NodeError({ code: -32602, message: 'invalid params', data: { code: 'invalid-argument' } }))
  assert.equal(node.code, -32602)
  assert.equal(node.message, 'invalid params')
  assert.deepEqual(node.data, { code: 'invalid-argument' })
  assert.match(rpcError(new TypeError('x is not a function')).message, /^Something went wrong.*\(unexpected: x is not a function\)$/)
})
