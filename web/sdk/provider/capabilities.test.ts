import assert from 'node:assert/strict'
import { test } from 'node:test'
import { capabilities } from './capabilities'

const account = `0x${'ab'.repeat(20)}`
const none = { atomic: { status: 'unsupported' } }

test('no chain that a site may use has atomicity, and params of another form are refused', () => {
  const asked: unknown[] = []
  const of = (...params: readonly unknown[]) => capabilities(params, [1, 10], (each) => asked.push(each))
  assert.deepEqual(of(account), { '0x1': none, '0xa': none })
  assert.deepEqual(of(null, ['0xA', '0x5']), { '0xa': none })
  assert.deepEqual(of(undefined, null), { '0x1': none, '0xa': none })
  assert.deepEqual(asked, [account, undefined, undefined])
  for (const ids of ['0x1', {}, [1], ['1'], [''], ['0x'], [null], [['0x1']], ['0x1ffffffffffffff']]) {
    assert.throws(() => of(account, ids), /hex after 0x|not a list/)
  }
  assert.throws(() => of('me'), /account/)
})
