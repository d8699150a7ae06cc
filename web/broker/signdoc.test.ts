import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feeOf, messagesOf } from './signdoc'

const utf8 = (text: string) => [...new TextEncoder().encode(text)]

/** varint writes a number. */
function varint(value: bigint | number): number[] {
  const bytes: number[] = []
  for (let rest = BigInt(value); ; rest >>= 7n) {
    if (rest < 0x80n) return [...bytes, Number(rest)]
    bytes.push(Number(rest & 0x7fn) | 0x80)
  }
}

const number = (field: number, value: bigint | number) => [...varint(field << 3), ...varint(value)]
const bytes = (field: number, value: readonly number[] | string) => {
  const all = typeof value === 'string' ? utf8(value) : value
  return [...varint((field << 3) | 2), ...varint(all.length), ...all]
}
const any = (field: number, type: string, value: readonly number[]) => bytes(field, [...bytes(1, type), ...bytes(2, value)])
const read = (...body: number[][]) => messagesOf(Uint8Array.from(body.flat()))
const coin = (field: number, denom: string, amount: string) => bytes(field, [...bytes(1, denom), ...bytes(2, amount)])

test('messages of a known type have the names of their fields', () => {
  const send = [...bytes(1, 'cosmos1from'), ...bytes(2, 'cosmos1to'), ...coin(3, 'uatom', '5'), ...coin(3, 'uosmo', '6')]
  assert.deepEqual(read(any(1, '/cosmos.bank.v1beta1.MsgSend', send), bytes(2, 'memo'), number(3, 9)), [
    {
      typeUrl: '/cosmos.bank.v1beta1.MsgSend',
      value: {
        fromAddress: 'cosmos1from',
        toAddress: 'cosmos1to',
        amount: [
          { denom: 'uatom', amount: '5' },
          { denom: 'uosmo', amount: '6' },
        ],
      },
    },
  ])
  // What a grant or another's account does is in the message.
  const exec = [...bytes(1, 'cosmos1grantee'), ...any(2, '/cosmos.bank.v1beta1.MsgSend', send)]
  assert.deepEqual(read(any(1, '/cosmos.authz.v1beta1.MsgExec', exec)), [
    {
      typeUrl: '/cosmos.authz.v1beta1.MsgExec',
      value: {
        grantee: 'cosmos1grantee',
        msgs: {
          typeUrl: '/cosmos.bank.v1beta1.MsgSend',
          value: {
            fromAddress: 'cosmos1from',
            toAddress: 'cosmos1to',
            amount: [
              { denom: 'uatom', amount: '5' },
              { denom: 'uosmo', amount: '6' },
            ],
          },
        },
      },
    },
  ])
  assert.deepEqual(read(any(1, '/cosmwasm.wasm.v1.MsgExecuteContract', [...bytes(2, 'osmo1contract'), ...bytes(3, '{"swap":\n{}}')])), [
    { typeUrl: '/cosmwasm.wasm.v1.MsgExecuteContract', value: { contract: 'osmo1contract', msg: '{"swap":\n{}}' } },
  ])
})

test('messages of another type have the numbers of their fields, and what is not known is shown as well', () => {
  const value = [
    ...number(1, (1n << 64n) - 1n),
    ...bytes(2, 'text'),
    ...coin(3, 'uatom', '5'),
    ...bytes(4, [0xff, 0xfe]),
    (5 << 3) | 5,
    1,
    2,
    3,
    4,
  ]
  assert.deepEqual(read(any(1, '/unknown.Msg', value)), [
    {
      typeUrl: '/unknown.Msg',
      value: { 1: '18446744073709551615', 2: 'text', 3: { 1: 'uatom', 2: '5' }, 4: '0xfffe', 5: '0x01020304' },
    },
  ])
  // A field that a known type does not have is shown under its number.
  assert.deepEqual(read(any(1, '/cosmos.gov.v1beta1.MsgVote', [...number(1, 7), ...bytes(9, 'more')])), [
    { typeUrl: '/cosmos.gov.v1beta1.MsgVote', value: { proposalId: '7', 9: 'more' } },
  ])
  // Extension options of the body.
  assert.deepEqual(read(any(1023, '/ext.Option', bytes(1, 'x'))), [{ 1023: { 1: '/ext.Option', 2: { 1: 'x' } } }])
  // The names of objects do not mislead.
  assert.deepEqual(read(any(1, 'constructor', bytes(1, 'x'))), [{ typeUrl: 'constructor', value: { 1: 'x' } }])
})

test('the fee says who pays it', () => {
  const fee = (...parts: number[][]) => feeOf(Uint8Array.from(parts.flat()))
  const paid = [...coin(1, 'uatom', '750'), ...number(2, 200000), ...bytes(3, 'cosmos1payer'), ...bytes(4, 'cosmos1granter')]
  const read = { amount: { denom: 'uatom', amount: '750' }, gasLimit: '200000', payer: 'cosmos1payer', granter: 'cosmos1granter' }
  assert.deepEqual(fee(bytes(1, 'a signer'), bytes(2, paid)), read)
  assert.deepEqual(fee(), {})
})

test('what is no message, or too much, is bytes', () => {
  assert.deepEqual(read([0xff]), ['0xff'])
  const more = Array.from({ length: 2001 }, () => bytes(1, []))
  assert.deepEqual(read(...more), [`0x${'0a00'.repeat(2001)}`], 'nothing that is signed is left out')
  assert.deepEqual(feeOf(Uint8Array.of(0xff)), '0xff')
  assert.deepEqual(read(any(1, '/unknown.Msg', bytes(1, [0xc2, 0x9b, 0x31]))), [{ typeUrl: '/unknown.Msg', value: { 1: '0xc29b31' } }])
  assert.deepEqual(read(bytes(1, [0x0a, 5, 1])), ['0x0a0501'])
  assert.deepEqual(read(any(1, '/unknown.Msg', [0x0a, 5, 1])), [{ typeUrl: '/unknown.Msg', value: '0x0a0501' }])
  let deep = bytes(1, [0xff])
  for (let i = 0; i < 40; i++) deep = bytes(1, deep)
  assert.match(JSON.stringify(read(any(1, '/deep.Msg', deep))), /"0x[0-9a-f]+"/)
  const many = read(any(1, '/many.Msg', Array.from({ length: 5000 }, () => number(1, 1)).flat()))
  assert.equal(typeof (many[0] as { value: unknown }).value, 'string')
})
