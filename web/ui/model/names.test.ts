import assert from 'node:assert/strict'
import { test } from 'node:test'
import { legible, lookAlike, shownName, skeleton } from './names'

test('characters that do not print are removed, one of each kind', () => {
  for (const [text, want] of [
    ['pay\u200bpal', 'paypal'],
    ['a\u00adb\ufeffc\u2060d', 'abcd'],
    ['evas\u202egnis', 'evasgnis'],
    ['a\u2066b\u200fc\u061cd', 'abcd'],
    ['a\u2028b\nc\td', 'a b c d'],
    ['a\u{e0041}b', 'ab'],
    ['a\ufe0fb\u{e0100}c', 'abc'],
    ['a\u200db\u200cc', 'abc'],
    ['a\u3164b\u2800c\u115fd\uffa0e\u{1d159}f', 'abcdef'],
    ['a\ue000b\u{f0000}c\ufdd0d\u{1fffe}e', 'abcde'],
    ['\u0301a \u0301b\u0301\u0301\u0301\u0301', 'a b\u0301\u0301\u0301'],
    ['a\u00a0\u3000b ', 'a b'],
    ['\ud800a', 'a'],
  ] as const) {
    assert.equal(legible(text), want, JSON.stringify(text))
  }
  for (const kept of [
    '👩\u200d💻 work',
    '❤\ufe0f',
    '🏳\ufe0f\u200d🌈',
    '1\ufe0f\u20e3',
    '👍🏽',
    '冷钱包 №1',
    'Việt',
    'مفتاح',
    'מפתח',
    'กุญแจ',
  ]) {
    assert.equal(legible(kept), kept)
    assert.equal(shownName(kept), kept)
  }
})

test('letters that pass for others are shown with their code points', () => {
  for (const [name, want] of [
    ['Lеdger', 'Lеdger (е U+0435)'],
    ['раура', 'раура (р U+0440, а U+0430, у U+0443)'],
    ['Ｌedger', 'Ｌedger (Ｌ U+FF2C)'],
    ['𝐋edger', '𝐋edger (𝐋 U+1D40B)'],
    ['savıngs', 'savıngs (ı U+0131)'],
    ['ᴍain', 'ᴍain (ᴍ U+1D0D)'],
    ['əlavə', 'əlavə'],
    ['wallet 𝟙', 'wallet 𝟙 (𝟙 U+1D7D9)'],
    ['αβ wallet', 'αβ wallet (α U+03B1, β U+03B2)'],
    ['Кошелёк', 'Кошелёк'],
    ['Πορτοφόλι', 'Πορτοφόλι'],
    ['savings 2', 'savings 2'],
    ['钱包 main', '钱包 main'],
    ['ウォレット A', 'ウォレット A'],
  ] as const) {
    assert.equal(shownName(name), want)
  }
})

test('names that look alike have one skeleton', () => {
  for (const [a, b] of [
    ['Ledger', 'Lеdger'],
    ['paypal', 'раураӏ'],
    ['Savings', 'savings '],
    ['wallet 1', 'wallet l'],
    ['Io', 'l0'],
    ['modern', 'modem'],
    ['❤', '❤\ufe0f'],
    ['a-b', 'a b'],
    ['Ｌedger', 'LEDGER'],
  ] as const) {
    assert.ok(lookAlike(a, b), `${a} and ${b}: ${skeleton(a)}, ${skeleton(b)}`)
  }
  for (const [a, b] of [
    ['savings', 'spendings'],
    ['冷钱包', '热钱包'],
    ['wallet 1', 'wallet 2'],
    ['\u200b', '\u200d'],
  ] as const) {
    assert.ok(!lookAlike(a, b), `${a} and ${b}`)
  }
})

test('any text: what is shown prints, and is shown as it is the second time', () => {
  let seed = 1
  const random = (n: number) => (seed = (seed * 48271) % 0x7fffffff) % n
  const odd = [0x200d, 0xfe0f, 0x202e, 0x1f600, 0x1f3fd, 0x301, 0x20, 0x41, 0x435, 0xe0041, 0x31, 0x20e3, 0x3000, 0xa, 0x2764]
  for (let round = 0; round < 20_000; round++) {
    const text = String.fromCodePoint(...Array.from({ length: random(9) }, () => (random(3) ? odd[random(odd.length)]! : random(0x110000))))
    const clean = legible(text)
    assert.equal(legible(clean), clean, JSON.stringify(text))
    assert.ok(!/[\p{Cc}\p{Bidi_Control}\p{Zl}\p{Zp}\u{e0000}-\u{e0fff}]/u.test(clean), JSON.stringify(text))
    assert.ok(shownName(text).startsWith(clean))
    skeleton(text)
  }
})
