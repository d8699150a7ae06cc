import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readOrigin, unicode } from './origin'

test('the part that one owner registered stands out', () => {
  for (const [origin, before, domain, notes] of [
    ['https://uniswap.org', '', 'uniswap.org', ''],
    ['https://app.uniswap.org', 'app.', 'uniswap.org', ''],
    ['https://uniswap.org.login.example.com', 'uniswap.org.login.', 'example.com', ''],
    ['https://app.example.co.uk', 'app.', 'example.co.uk', ''],
    ['https://example.com.cn', '', 'example.com.cn', ''],
    ['https://a.example.de', 'a.', 'example.de', ''],
    ['https://someone.github.io', '', 'someone.github.io', 'hosting'],
    ['https://uniswap.someone.vercel.app', 'uniswap.', 'someone.vercel.app', 'hosting'],
    ['https://github.io', '', 'github.io', ''],
    ['https://example.com:8443', '', 'example.com:8443', ''],
    ['http://example.com', '', 'example.com', 'not-encrypted'],
    ['http://localhost:7380', '', 'localhost:7380', 'this-computer'],
    ['http://127.0.0.1:5173', '', '127.0.0.1:5173', 'this-computer'],
    ['http://[::1]:80'.replace(':80', ''), '', '[::1]', 'this-computer'],
    ['https://192.0.2.7', '', '192.0.2.7', 'ip'],
    ['http://192.0.2.7:8080', '', '192.0.2.7:8080', 'not-encrypted ip'],
    ['https://[2001:db8::1]', '', '[2001:db8::1]', 'ip'],
    ['chrome-extension://abcdefghijklmnopabcdefghijklmnop', '', 'abcdefghijklmnopabcdefghijklmnop', 'extension'],
    ['https://example.com.', '', 'example.com', ''],
  ] as const) {
    const read = readOrigin(origin)
    assert.deepEqual([read.text, read.before, read.domain, read.notes.join(' ')], [origin, before, domain, notes])
  }
})

test('what is no origin of a site is said to be none', () => {
  for (const text of [
    'null',
    '',
    'about:blank',
    'data:text/html,x',
    'https://',
    'https://example.com/path',
    'https://user@example.com',
    'HTTPS://EXAMPLE.COM',
    'file:///x',
    '\u202ehttps://example.com',
  ]) {
    assert.deepEqual(readOrigin(text).notes, ['opaque'], text)
    assert.equal(readOrigin(text).text, text)
  }
})

test('look-alikes are marked, with both forms', () => {
  const known = ['https://app.uniswap.org', 'https://opensea.io', 'not an address', 'null']
  for (const [letters, notes, odd] of [
    ['app.unіswаp.org', 'mixed alike', 'і U+0456, а U+0430'], // Cyrillic i and a
    ['аррӏе.com', 'mixed', 'а U+0430, р U+0440, ӏ U+04CF, е U+0435'], // all Cyrillic
    ['ορenѕea.io', 'mixed alike', 'ο U+03BF, ρ U+03C1, ѕ U+0455'],
    ['münchen.example', 'punycode', undefined],
    ['例え.テスト', 'punycode', undefined],
    ['中文abc.com', 'punycode', undefined],
    ['яндекс.рф', 'punycode', undefined],
    ['app.unlswap.org', 'alike', undefined], // a small L for the i, in ASCII alone
    ['app-uniswap.org', 'alike', undefined],
    ['app.uniswap.org', '', undefined],
    ['uniswap.org', '', undefined],
  ] as const) {
    const ascii = new URL(`https://${letters}`).hostname
    const read = readOrigin(`https://${ascii}`, known)
    assert.equal(read.notes.join(' '), notes, letters)
    assert.equal(read.odd, odd)
    assert.equal(read.letters, ascii === letters ? undefined : letters)
    if (notes.includes('alike')) assert.ok(['app.uniswap.org', 'opensea.io'].includes(read.like!))
  }
})

test('Punycode is decoded, and anything else stays as it is', () => {
  for (const letters of ['münchen', 'ひらがな', 'テスト', 'аррӏе', '💩', 'bücher-und-mehr', '中华人民共和国', 'ß'.normalize()]) {
    assert.equal(unicode(new URL(`https://${letters}`).hostname), letters)
  }
  for (const label of ['plain', 'xn--', 'xn--!', 'xn--99999999999', 'xn--a', 'xn--\u00e4', 'xn---', 'toString', '__proto__']) {
    assert.equal(typeof unicode(label), 'string')
  }
  const began = performance.now()
  unicode(`xn--${'a'.repeat(5000)}`)
  assert.ok(performance.now() - began < 1000)
})
