import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hasMarks, marked, visible } from './visible'

test('what is not seen is marked with its code point', () => {
  for (const [text, shown] of [
    ['plain text\nin two lines', 'plain text⏎in two lines'],
    ['Pay \u202e001\u202c now', 'Pay [U+202E]001[U+202C] now'],
    ['a\u200bb\u2060c\ufeffd\u00ade', 'a[U+200B]b[U+2060]c[U+FEFF]d[U+00AD]e'],
    ['a\u2066b\u2069\u061c\u200f', 'a[U+2066]b[U+2069][U+061C][U+200F]'],
    ['tab\there\r\n\0', 'tab[U+0009]here[U+000D]⏎[U+0000]'],
    ['\u00a0\u2003\u3000\u2028\u2800\u3164', '[U+00A0][U+2003][U+3000][U+2028][U+2800][U+3164]'],
    ['tag \u{e0061}\u{e007f}', 'tag [U+E0061][U+E007F]'],
    ['alone \ud800', 'alone [U+D800]'],
    ['e\u0301\u0301\u0301\u0301\u0301', 'e\u0301\u0301\u0301[U+0301][U+0301]'],
    ['👍🏽 👩‍👩‍👧 1️⃣ ❤️', '👍🏽 👩‍👩‍👧 1️⃣ ❤️'],
    ['a\u200d\ufe0fb', 'a[U+200D][U+FE0F]b'],
    ['שלום عربى 中文 ünï', 'שלום عربى 中文 ünï'],
    ['', ''],
  ] as const) {
    assert.equal(marked(text), shown)
    assert.equal(hasMarks(text), shown.includes('[U+'), shown)
  }
})

test('a long text takes no time', () => {
  const began = performance.now()
  assert.equal(visible('x\u202e'.repeat(50_000)).length, 100_000)
  assert.equal(visible('\u0301'.repeat(100_000)).length > 1, true)
  assert.ok(performance.now() - began < 2000)
})
