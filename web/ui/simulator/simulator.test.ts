import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loopback } from './simulator'

test('a simulator is looked for only on this computer', () => {
  for (const host of ['localhost', '127.0.0.1', '127.1.2.3', '[::1]']) assert.ok(loopback(host), host)
  for (const host of ['example.org', 'localhost.example.org', '127.0.0.1.example.org', '10.0.0.1', '128.0.0.1', '']) {
    assert.ok(!loopback(host), host)
  }
})
