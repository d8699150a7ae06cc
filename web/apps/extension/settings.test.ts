import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isNode } from './settings'

test('a node is an address that paths can be added to, encrypted or on this computer', () => {
  for (const url of [
    'https://mempool.space/api',
    'https://mempool.space/api/',
    'https://node.example',
    'https://node.example:8443/',
    'https://192.168.1.2:3002/api',
    'HTTPS://Node.Example/api',
    'http://localhost',
    'http://localhost:3002/api',
    'http://esplora.localhost/api',
    'http://127.0.0.1',
    'http://127.0.0.1:3002',
  ])
    assert.equal(isNode(url), true, url)
  for (const url of [
    '',
    'https://',
    'http://',
    'mempool.space/api',
    '//mempool.space/api',
    '/api',
    'https://user:password@node.example/api',
    'https://user@node.example/api',
    'https://:password@node.example/api',
    'https://node.example/api?key=1',
    'https://node.example/api?',
    'https://node.example/api#',
    'https://node.example/#api',
    'https://node.example:99999/',
    'https://node.exa mple/',
    'http://node.example',
    'http://localhost.example',
    'http://localhost@node.example/',
    'http://127.0.0.1.example',
    'http://192.168.1.2/api',
    // The extension's policy cannot name it.
    'http://[::1]:3002',
    'ftp://localhost',
    'wss://node.example',
    'javascript:alert(1)',
    'data:text/plain,0',
  ])
    assert.equal(isNode(url), false, url)
})
