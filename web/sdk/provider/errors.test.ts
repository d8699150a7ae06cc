import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure, invalid } from '../client/errors'
import { learn, worded } from '../client/sentences'
import { late } from '../client/sentences.late.gen'
import { rpcError } from './errors'
import { NodeError, Refusal, badParams, coded } from './refusal'

learn(late)

test('an error of the provider keeps the message and the data', () => {
  const error = failure('in-use-elsewhere', 'lock', {
    retryable: true,
    data: { holder: 'tab', reason: 'no-answer', code: 'another', retryable: 5 },
  })
  const { code, message, data, cause } = rpcError(error)
  assert.equal(code, -32002)
  assert.equal(message, error.message)
  assert.deepEqual(data, { holder: 'tab', reason: 'no-answer', code: 'in-use-elsewhere', retryable: true })
  assert.equal(cause, error)
})

test("the engine's errors begin with a sentence, and a node's errors are unchanged", () => {
  assert.equal(rpcError(badParams('no list')).message, invalid('no list').message)
  assert.deepEqual(rpcError(badParams('no list')).data, { code: 'invalid-argument', retryable: false })
  assert.equal(
    rpcError(new Refusal(4900, 'The imKey is not plugged in. Plug it in.', 'device-disconnected', true)).message,
    'The imKey is not plugged in. Plug it in.',
  )
  const part = rpcError(coded('internal', 'a part', { retryable: true, cause: 'why', data: { reason: 'download' } }))
  assert.equal(part.code, -32603)
  assert.equal(part.message, worded('internal', 'a part', { reason: 'download' }))
  assert.deepEqual(part.data, { reason: 'download', code: 'internal', retryable: true })
  assert.equal(part.cause, 'why')
  assert.equal(rpcError(coded('device-disconnected', '')).code, 4900)
  const node = rpcError(new NodeError({ code: -32602, message: 'invalid params', data: { code: 'invalid-argument' } }))
  assert.equal(node.code, -32602)
  assert.equal(node.message, 'invalid params')
  assert.deepEqual(node.data, { code: 'invalid-argument' })
  assert.equal(rpcError(new TypeError('x is not a function')).message, worded('internal', 'unexpected: x is not a function'))
})
