import assert from 'node:assert/strict'
import { test } from 'node:test'
import { platformOf } from './platform'

test('the system is found in the user agent string', () => {
  assert.equal(platformOf('Mozilla/5.0 (X11; Linux x86_64) Chrome/140'), 'linux')
  assert.equal(platformOf('Mozilla/5.0 (Linux; Android 15) Chrome/140 Mobile'), 'android')
  assert.equal(platformOf('Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/140'), 'windows')
  assert.equal(platformOf('Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) Chrome/140'), 'mac')
  assert.equal(platformOf('Mozilla/5.0 (X11; CrOS x86_64 16000.0.0) Chrome/140'), 'chromeos')
})
