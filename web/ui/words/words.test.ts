import assert from 'node:assert/strict'
import { test } from 'node:test'
import { coins, coinSentence, cosmosKinds, networks, tronKinds } from './coins'
import { common } from './common'
import { dapp, minedIn, nodeIs, onChain, refusals, took, unnamedChain } from './dapp'
import { device, refusals as deviceRefusals } from './device'
import { dialog } from './dialog'
import type { ErrorCode } from 'imkey-connect'
import { advice, type Platform } from './errors'
import { errors, type Sentences } from './errors.gen'
import { amounts, directions, fault, faults, kinds } from './faults'
import { boundOn, manage, wordCount } from './management'
import { preferred } from './language'
import { codeBox, codeIncomplete, codeRule, drawing, pairing, wrongCode } from './pairing'
import { exceptional } from './exceptional'
import { phrase, request, sentence } from './request'
import { chainOf, signedIn, sites, typedFor } from './sites'
import { actions, attached, plugs, presses, trace } from './trace'
import { languages, say, type Text } from './text'
import { udevRule, usbIds } from './usbids.gen'

const errorCodes = process.env['ERROR_CODES']!.split(',') as ErrorCode[]
const platforms: Platform[] = ['linux', 'windows', 'mac', 'android', 'chromeos', 'other']

function everyText(): Text[] {
  const every = [
    coins,
    cosmosKinds,
    networks,
    tronKinds,
    common,
    dapp,
    device,
    dialog,
    manage,
    pairing,
    exceptional,
    codeRule,
    drawing,
    refusals,
    deviceRefusals,
    request,
    sites,
  ]
  const texts: Text[] = every.flatMap((words) => Object.values<Text>(words))
  for (const n of [0, 1, 2, 10, null]) texts.push(wrongCode('screen', n), wrongCode('paper', n))
  texts.push(minedIn(7), nodeIs(unnamedChain(5)), onChain(unnamedChain(5), 5), took(1234), took(61_000))
  texts.push(boundOn({ en: 'May 1, 2026', zh: '2026年5月1日' }), wordCount(12))
  texts.push(codeBox(3), codeIncomplete(1), codeIncomplete(2))
  // Sentences and phrases of the request screens. What they are given is a text and a number at once.
  const given = Object.assign(Object('7') as object, say('x', '某')) as never
  const { and, amount: _, name: __, ...phrases } = phrase
  const { named: ___, ...coinSentences } = coinSentence
  texts.push(and([given, given]), chainOf(7), signedIn('x'), typedFor('x'), coinSentence.named(say('x', '某'), 'x'))
  for (const make of Object.values<Text | ((...list: never[]) => Text)>({ ...sentence, ...coinSentences, ...phrases })) {
    texts.push(typeof make === 'function' ? make(given, given, given) : make)
  }
  for (const code of errorCodes) {
    for (const platform of platforms) {
      for (const framed of [true, false]) {
        const { what, next } = advice(code, { platform, framed })
        texts.push(what, next)
      }
    }
  }
  for (const { what, next } of Object.values<Sentences>(errors)) texts.push(what, next)
  texts.push(...[faults, kinds, directions, amounts].flatMap((words) => Object.values<Text>(words)))
  texts.push(...[trace, actions, plugs].flatMap((words) => Object.values<Text>(words)))
  texts.push(attached('WebSocket'), presses('ok', false), presses('up', true))
  texts.push(fault(kinds.stall, directions.in, 3, 1), fault(kinds.delay, directions.out, 3, 5))
  return texts
}

test('every text is in every language, and the Chinese texts are Chinese', () => {
  const same = new Set(['PIN', 'SDK'])
  for (const text of everyText()) {
    for (const language of languages) assert.notEqual(text[language].trim(), '')
    if (!same.has(text.en)) assert.match(text.zh, /\p{Script=Han}/u, text.en)
    assert.doesNotMatch(text.en, /\p{Script=Han}/u)
    // One name for each thing, the one that the vendor's users know.
    assert.doesNotMatch(text.zh, /配对码|种子|密语/)
    assert.doesNotMatch(text.en, /pairing code|seed phrase|something went wrong/i)
  }
})

test('there are sentences for every code that core knows, and for no other', () => {
  assert.deepEqual(
    Object.keys(errors)
      .filter((key) => !key.includes('/'))
      .sort(),
    [...errorCodes].sort(),
  )
})

test('a reason for which the sentences of the code would mislead has its own sentences, and an unknown code is internal', () => {
  const where = { platform: 'linux', framed: false } as const
  assert.deepEqual(advice('internal', where, 'download'), errors['internal/download'])
  assert.deepEqual(advice('permission-denied', where, 'user-activation'), errors['permission-denied/user-activation'])
  assert.equal(advice('permission-denied', { ...where, framed: true }, 'permissions-policy').snippet, 'allow="usb"')
  for (const reason of [undefined, 5, 'toString', '__proto__']) assert.deepEqual(advice('locked', where, reason), errors.locked)
  for (const code of ['of-a-later-version', 'constructor']) assert.deepEqual(advice(code as ErrorCode, where), errors.internal)
})

test('access rights are explained for the user’s system', () => {
  const at = (platform: Platform, framed = false) => advice('permission-denied', { platform, framed })
  assert.equal(at('linux').snippet, udevRule)
  const rules = udevRule.split('\n')
  assert.ok(rules.includes('SUBSYSTEM=="usb", ATTR{idVendor}=="096e", ATTR{idProduct}=="0891", MODE="0660", TAG+="uaccess"'))
  for (const rule of rules) {
    assert.match(
      rule,
      /^SUBSYSTEM=="usb", ATTR\{idVendor\}=="[0-9a-f]{4}", ATTR\{idProduct\}=="[0-9a-f]{4}", MODE="0660", TAG\+="uaccess"$/,
    )
  }
  assert.match(at('windows').next.en, /WinUSB/)
  assert.ok(at('windows').next.en.includes(usbIds))
  assert.match(at('windows').next.en, /Zadig/)
  assert.equal(at('linux', true).snippet, 'allow="usb"')
})

test('the number of tries left is shown if it is known', () => {
  for (const language of languages) {
    for (const left of [1, 3, 10]) assert.match(wrongCode('screen', left)[language], new RegExp(`(?<!\\d)${left}(?!\\d)`))
    assert.doesNotMatch(wrongCode('screen', null)[language], /\d/)
  }
  assert.notEqual(wrongCode('screen', 1).en, wrongCode('screen', 3).en.replace('3', '1'), 'the singular has its own sentence')
})

test('the language is the first of the browser’s list that the pages have', () => {
  assert.equal(preferred(['zh-Hans-CN', 'en']), 'zh')
  assert.equal(preferred(['fr', 'zh-TW', 'en']), 'zh')
  assert.equal(preferred(['en-GB', 'zh']), 'en')
  assert.equal(preferred(['fr']), 'en')
  assert.equal(preferred([]), 'en')
})
