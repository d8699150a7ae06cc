import assert from 'node:assert/strict'
import { test } from 'node:test'
import { faultKinds } from '../../ui/simulator/faultkinds.gen'
import { amounts, kinds } from '../../ui/words/faults'

test('each kind of fault has words, and no words are left over', () => {
  assert.deepEqual(Object.keys(kinds).sort(), Object.keys(faultKinds).sort())
  const numbers = Object.entries(faultKinds).filter(([, kind]) => 'number' in kind)
  assert.deepEqual(Object.keys(amounts).sort(), numbers.map(([name]) => name).sort())
})
