import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import type { TypedData } from 'imkey-connect'
import { numberAt, readTyped } from './typed'

/** The table that the test of core reads, too. */
const numbers = JSON.parse(readFileSync('../core/ethereum/testdata/numbers.json', 'utf8')) as { text: string; value: string | null }[]

const read = (value: unknown) => {
  const types = { EIP712Domain: [], A: [{ name: 'n', type: 'uint256' }] }
  const document: TypedData = { types, primaryType: 'A', domain: {}, message: { n: value } }
  return numberAt(readTyped(document).message, 'n')
}

test('a number is read as core reads it, and with it is signed', () => {
  for (const { text, value } of numbers) assert.equal(read(text), value === null ? undefined : BigInt(value), JSON.stringify(text))
  for (const [value, number] of [
    [7, 7n],
    [-0, 0n],
    [2 ** 53 - 1, 2n ** 53n - 1n],
    [2 ** 53, undefined],
    [1.5, undefined],
    [Number.NaN, undefined],
    [2n ** 256n - 1n, 2n ** 256n - 1n],
    [true, undefined],
    [[7], undefined],
    [{}, undefined],
    [null, undefined],
  ] as const)
    assert.equal(read(value), number, typeof value)
})
