import assert from 'node:assert/strict'
import { test } from 'node:test'
import { complete, empty, firstOpen, missing, parsePaste, reduce, type Action, type Boxes } from './code'

function after(...actions: Action[]): Boxes {
  return actions.reduce(reduce, empty)
}

function type(text: string): Boxes {
  return [...text].reduce((boxes, char) => reduce(boxes, { type: 'insert', at: boxes.at, text: char }), empty)
}

test('typing fills the boxes in upper case and stops at the last one', () => {
  const boxes = type('abcd2345')
  assert.equal(complete(boxes), 'ABCD2345')
  assert.equal(boxes.at, 7)
  assert.equal(boxes.problem, null)
})

test('each of 0, O, 1 and I stays in its box, is flagged at once, and typing goes on behind it', () => {
  for (const char of ['0', 'O', 'o', '1', 'I', 'i']) {
    const boxes = after({ type: 'insert', at: 0, text: 'A' }, { type: 'insert', at: 1, text: char })
    assert.equal(boxes.problem, 'lookalike', char)
    assert.deepEqual(boxes.chars.slice(0, 3), ['A', char.toUpperCase(), ''])
    assert.equal(boxes.at, 2)
    assert.equal(complete(boxes), undefined)
  }
})

test('a full code with a wrong character is incomplete, and the cursor goes back to that character', () => {
  const boxes = type('AB0DEFGH')
  assert.equal(complete(boxes), undefined)
  assert.equal(boxes.at, 2)
  assert.equal(firstOpen(boxes), 2)
  const mended = reduce(boxes, { type: 'insert', at: 2, text: 'q' })
  assert.equal(complete(mended), 'ABQDEFGH')
  assert.equal(mended.problem, null)
})

test('a character that no code has enters no box and is reported', () => {
  for (const text of ['é', '!', '码', '🔑']) {
    const boxes = after({ type: 'insert', at: 0, text })
    assert.equal(boxes.problem, 'foreign', text)
    assert.equal(missing(boxes), 8)
    assert.equal(boxes.at, 0)
  }
})

test('spaces and dashes are ignored, and full-width letters count as plain ones', () => {
  assert.equal(complete(after({ type: 'insert', at: 0, text: 'ab-cd ef—gh' })), 'ABCDEFGH')
  assert.equal(complete(after({ type: 'insert', at: 0, text: 'ａｂｃｄ２３４５' })), 'ABCD2345')
})

test('Backspace empties its box, then the one before; Delete stays', () => {
  let boxes = type('abc')
  assert.equal(boxes.at, 3)
  boxes = reduce(boxes, { type: 'backspace', at: 3 })
  assert.deepEqual([boxes.chars.join(''), boxes.at], ['AB', 2])
  boxes = reduce(boxes, { type: 'backspace', at: 0 })
  assert.deepEqual([boxes.chars[0], boxes.at], ['', 0])
  boxes = reduce(boxes, { type: 'backspace', at: 0 })
  assert.equal(boxes.at, 0)
  boxes = reduce(boxes, { type: 'delete', at: 1 })
  assert.deepEqual([missing(boxes), boxes.at], [8, 1])
})

test('the flag goes away with the character', () => {
  assert.equal(after({ type: 'insert', at: 0, text: '0' }, { type: 'backspace', at: 0 }).problem, null)
  assert.equal(after({ type: 'insert', at: 0, text: '0' }, { type: 'clear' }), empty)
})

test('the cursor stays within the boxes', () => {
  assert.equal(after({ type: 'move', to: -1 }).at, 0)
  assert.equal(after({ type: 'move', to: 8 }).at, 7)
})

test('pasting takes a code in any form, in whichever box the cursor is', () => {
  for (const text of ['abcd-efgh', 'ABCD EFGH', ' ABCDEFGH\n', 'a b c d e f g h', 'ABCD–EFGH', 'ABCD_EFGH']) {
    assert.equal(complete(after({ type: 'paste', at: 3, text })), 'ABCDEFGH', text)
  }
})

test('pasting takes the one code out of a text', () => {
  for (const text of [
    'My binding code is ABCD-EFGH.',
    'Binding code: abcd-efgh',
    '绑定码：ABCDEFGH，请妥善保管',
    'ABCD EFGH is the code, ABCD-EFGH I say again',
    'the elements and messages: ABCD EFGH', // eight-letter words are no codes beside one in capitals
  ]) {
    assert.deepEqual(parsePaste(text), { text: 'ABCDEFGH' }, text)
  }
})

test('pasting takes nothing if there is no code or more than one', () => {
  for (const text of ['', '   ', 'no code here at all', 'ABCDEFGHJ', 'ABCDEFGH2345', 'https://example.org/']) {
    assert.deepEqual(parsePaste(text), { problem: 'pasteNone' }, text)
  }
  for (const text of ['ABCD-EFGH or JKLM-NPQR', 'ABCDEFGH, JKLMNPQR', 'ABCD EFGH JKLM', 'abcd-efgh jklm-npqr']) {
    assert.deepEqual(parsePaste(text), { problem: 'pasteSeveral' }, text)
  }
  const kept = reduce(type('ab'), { type: 'paste', at: 2, text: 'ABCD-EFGH or JKLM-NPQR' })
  assert.equal(kept.chars.join(''), 'AB')
})

test('a pasted code with a lookalike is put into the boxes and flagged, not dropped', () => {
  const boxes = after({ type: 'paste', at: 0, text: 'AB0D-EFGH' })
  assert.equal(boxes.chars.join(''), 'AB0DEFGH')
  assert.equal(boxes.problem, 'lookalike')
})

test('pasting part of a code goes on from the cursor', () => {
  const boxes = reduce(type('abcd'), { type: 'paste', at: 4, text: 'EFGH' })
  assert.equal(complete(boxes), 'ABCDEFGH')
})

test('a very long paste is handled at once', () => {
  assert.deepEqual(parsePaste('ABCD '.repeat(200_000)), { text: 'ABCDABCD' })
})
