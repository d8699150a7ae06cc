import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openStorage } from './storage'

test('where the browser keeps nothing, the window itself does, and changes only what is still there', async () => {
  assert.equal(globalThis.indexedDB, undefined)
  const storage = openStorage()
  const key = 'permission https://a.example'
  await storage.put(key, { used: 1, accounts: ['a'] })
  await storage.put('activity 1', {})
  assert.equal(await storage.replace(key, { used: 2, accounts: ['a'] }, { used: 3 }), false)
  assert.deepEqual(await storage.list('permission '), [[key, { used: 1, accounts: ['a'] }]])
  assert.equal(await storage.replace(key, { used: 1, accounts: ['a'] }, { used: 3 }), true)
  await storage.delete(key)
  assert.equal(await storage.replace(key, { used: 3 }, { used: 4 }), false)
  assert.deepEqual(await storage.list('permission '), [])
})
