import assert from 'node:assert/strict'
import { test } from 'node:test'
import { failure } from './errors'
import { learn, worded } from './sentences'
import { late } from './sentences.late.gen'
import type { ErrorCode } from '../types/imkey'

learn(late)
const codes = process.env['ERROR_CODES']!.split(',') as ErrorCode[]

/** What happened, and what to do next. */
const twoSentences = /^[A-Z][^()]+\. [A-Z][^()]+\.$/

test('every code has its sentences, which do not contain the code', () => {
  const seen = new Set<string>()
  for (const code of codes) {
    assert.match(worded(code, ''), twoSentences, code)
    seen.add(worded(code, ''))
    if (code.includes('-')) assert.ok(!worded(code, '').includes(code), code)
  }
  assert.equal(seen.size, codes.length)
})

test('a reason for which the sentences of the code would mislead has its own sentences', () => {
  for (const [code, reason] of [
    ['not-bound', 'not-remembered'],
    ['internal', 'download'],
    ['invalid-argument', 'name'],
    ['invalid-argument', 'passphrase'],
    ['invalid-argument', 'unknown-device'],
    ['invalid-argument', 'foreign-from'],
    ['code-format', 'length'],
    ['code-format', 'character'],
    ['permission-denied', 'permissions-policy'],
    ['permission-denied', 'user-activation'],
  ] as const) {
    assert.match(worded(code, '', { reason }), twoSentences)
    assert.notEqual(worded(code, '', { reason }), worded(code, ''), reason)
  }
  for (const reason of [undefined, 5, 'toString', '__proto__']) {
    assert.equal(worded('locked', '', { reason }), worded('locked', ''))
  }
})

test('details for a developer follow the sentences in parentheses', () => {
  const error = failure('wallet-missing', 'public key: status word F000', { statusWord: 0xf000, retryable: true })
  assert.equal(error.message, `${worded('wallet-missing', '')} (public key: status word F000)`)
  assert.equal(error.code, 'wallet-missing')
})
