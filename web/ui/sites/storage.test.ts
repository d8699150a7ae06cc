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

test('where the user forbids storage, the window keeps it, also where the browser calls that an unknown error', async () => {
  // So does Chromium where cookies are blocked.
  const fails = {
    open: () => {
      const request = { error: new DOMException('The user denied permission to access the database.', 'UnknownError'), onerror: () => {} }
      queueMicrotask(() => request.onerror())
      return request
    },
  }
  const locks = { query: async () => Promise.reject(new DOMException('denied', 'SecurityError')) }
  const before = Object.getOwnPropertyDescriptor(globalThis, 'navigator') // Node 20 has none
  Object.defineProperty(globalThis, 'indexedDB', { value: fails, configurable: true })
  Object.defineProperty(globalThis, 'navigator', { value: { locks }, configurable: true })
  const { BroadcastChannel } = globalThis
  Object.assign(globalThis, { BroadcastChannel: EventTarget }) // Node's would not let the test end
  try {
    const storage = openStorage()
    await storage.put('permission https://a.example', { used: 1 })
    assert.deepEqual(await storage.list('permission '), [['permission https://a.example', { used: 1 }]])
  } finally {
    delete (globalThis as { indexedDB?: unknown }).indexedDB
    if (before) Object.defineProperty(globalThis, 'navigator', before)
    else delete (globalThis as { navigator?: unknown }).navigator
    Object.assign(globalThis, { BroadcastChannel })
  }
})
