import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checksummed, keccak256 } from '../../sdk/provider/keccak'
import { decode } from './abi'
import { calls, oneCall } from './calls'
import type { Part, Surroundings } from './model'
import { contractAt, formatUnits, tokenAddresses } from './tokens'
import { say } from '../words/text'

const own = '0x6031564e7b2f5cc33737807b2e58daff870b590b'
const someone = '0x3535353535353535353535353535353535353535'
const usdc = '0xa0b86991c6218b36c1d19d4a2e9eb0ce3606eb48'
const other = '0xcd2a3d9f938e13cd947ec05abc7fe734df8dd826'
const s = (): Surroundings => ({ chain: 1n, own, coin: (n) => say(`${n} wei`, `${n} wei`), left: { calls: 256 } })
const word = (n: bigint | number | string) => (typeof n === 'string' ? n.slice(2) : n.toString(16)).padStart(64, '0')
const most = 2n ** 256n - 1n
const list = (items: readonly string[]): string => {
  let head = ''
  let tail = ''
  for (const item of items) {
    head += word(32 * items.length + tail.length / 2)
    tail += word(item.length / 2) + item.padEnd(Math.ceil(item.length / 64) * 64, '0')
  }
  return word(items.length) + head + tail
}
const says = (to: string, data: string, value = 0n): Part => oneCall(s(), { to, value, data })
const levels = ({ alerts }: Part) => alerts.map(({ level }) => level).join(' ')

const selector = (signature: string) => keccak256(new TextEncoder().encode(signature)).slice(0, 8)

test('each selector is that of its signature', () => {
  for (const [key, { signature }] of Object.entries(calls)) {
    assert.equal(selector(signature), key, signature)
  }
})

test('the addresses of tokens have their checksum', () => {
  assert.ok(tokenAddresses.length > 20)
  for (const address of tokenAddresses) assert.equal(`0x${checksummed(address.slice(2).toLowerCase())}`, address)
  for (const name of ['constructor', '__proto__', 'toString', '0x']) assert.equal(contractAt(name), undefined)
})

test('amounts are exact', () => {
  for (const [n, decimals, text] of [
    [0n, 18, '0'],
    [1n, 18, '0.000000000000000001'],
    [1500000000000000000n, 18, '1.5'],
    [1234567890n, 6, '1,234.56789'],
    [1000000n, 0, '1,000,000'],
    [999n, 0, '999'],
    [most, 0, '115,792,089,237,316,195,423,570,985,008,687,907,853,269,984,665,640,564,039,457,584,007,913,129,639,935'],
  ] as const)
    assert.equal(formatUnits(n, decimals), text)
})

test('calls in words', () => {
  for (const [to, data, value, sentence, danger, alerts] of [
    [someone, '', 5n, 'Send 5 wei to 0x3535…3535', false, ''],
    [own, '', 5n, 'Send 5 wei to your own account', false, ''],
    [usdc, `a9059cbb${word(someone)}${word(1500000n)}`, 0n, 'Send 1.5 USDC to 0x3535…3535', false, ''],
    [usdc, `a9059cbb${word(usdc)}${word(1500000n)}`, 0n, 'Send 1.5 USDC to USDC', false, 'warning'],
    [other, `a9059cbb${word(someone)}${word(7n)}`, 0n, 'Send 7 units of the token 0xCD2a…D826 to 0x3535…3535', false, ''],
    [usdc, `095ea7b3${word(other)}${word(5n)}`, 0n, 'Let 0xCD2a…D826 spend up to 0.000005 USDC', false, ''],
    [usdc, `095ea7b3${word(other)}${word(0n)}`, 0n, 'End what 0xCD2a…D826 may spend of your USDC', false, ''],
    [usdc, `095ea7b3${word(other)}${word(most)}`, 0n, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger'],
    [usdc, `095ea7b3${word(other)}${word(2n ** 96n - 1n)}`, 0n, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger'],
    [
      usdc,
      `095ea7b3${word(other)}${word(2n ** 96n - 2n)}`,
      0n,
      'Let 0xCD2a…D826 spend up to 79,228,162,514,264,337,593,543.950334 USDC',
      false,
      '',
    ],
    [
      other,
      `095ea7b3${word(someone)}${word(7n)}`,
      0n,
      'Let 0x3535…3535 spend up to 7 units of the token 0xCD2a…D826, or let 0x3535…3535 take NFT no. 7 of 0xCD2a…D826',
      false,
      'warning',
    ],
    [usdc, `39509351${word(other)}${word(1000000n)}`, 0n, 'Let 0xCD2a…D826 spend 1 USDC more', false, ''],
    [usdc, `d73dd623${word(other)}${word(most)}`, 0n, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger'],
    [usdc, `66188463${word(other)}${word(1000000n)}`, 0n, 'Let 0xCD2a…D826 spend 1 USDC less', false, ''],
    [other, `a22cb465${word(someone)}${word(1)}`, 0n, 'Let 0x3535…3535 take ALL your NFTs and tokens of 0xCD2a…D826', true, 'danger'],
    [other, `a22cb465${word(someone)}${word(0)}`, 0n, 'End what 0x3535…3535 may take of 0xCD2a…D826', false, ''],
    [
      other,
      `42842e0e${word(own)}${word(someone)}${word(77)}`,
      0n,
      'Send NFT no. 77 of 0xCD2a…D826 of your own account to 0x3535…3535',
      false,
      '',
    ],
    [
      '0x000000000022D473030F116dDEE9F6B43aC78BA3',
      `87517c45${word(usdc)}${word(other)}${word(5000000n)}${word(1900000000n)}`,
      0n,
      'Let 0xCD2a…D826 spend up to 5 USDC',
      false,
      '',
    ],
    ['0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2', 'd0e30db0', 5n, 'Change 5 wei to WETH', false, ''],
    [other, 'd0e30db0', 5n, 'Send 5 wei to the contract 0xCD2a…D826 and call it', false, 'warning'],
    [other, '12345678', 0n, 'Call the contract 0xCD2a…D826', false, 'warning'],
    [other, '12', 0n, 'Call the contract 0xCD2a…D826', false, 'warning'],
    [other, 'toString', 0n, 'Call the contract 0xCD2a…D826', false, 'warning'],
    // Not quite such calls: they are not put in words.
    [usdc, `a9059cbb${word(someone)}`, 0n, 'Call the contract USDC', false, 'warning'],
    [usdc, `a9059cbb${'1'.padStart(24, '0')}${someone.slice(2)}${word(5)}`, 0n, 'Call the contract USDC', false, 'warning'],
    [other, `a22cb465${word(someone)}${word(2)}`, 0n, 'Call the contract 0xCD2a…D826', false, 'warning'],
    // With more behind it, which contracts do not read.
    [usdc, `a9059cbb${word(someone)}${word(1500000n)}00ff`, 0n, 'Send 1.5 USDC to 0x3535…3535', false, 'warning'],
  ] as const) {
    const part = says(to, data, value)
    assert.equal(part.sentence.en, sentence)
    assert.match(part.sentence.zh, /\p{Script=Han}/u)
    assert.deepEqual([part.danger, levels(part)], [danger, alerts], sentence)
  }
})

test('what gives a spender or an operator a right, by whatever call, is in words, and in red without a limit', () => {
  const bytes = word(96) + word(2) + '1234'.padEnd(64, '0')
  const [to, n] = [word(other), word(1000000n)]
  const signed = word(0) + word(1) + word(2) + word(27) + word(3) + word(4)
  for (const [data, sentence, danger, alerts] of [
    [`1296ee62${to}${n}`, 'Send 1 USDC to 0xCD2a…D826', false, 'warning'],
    [`4000aea0${to}${n}${bytes}`, 'Send 1 USDC to 0xCD2a…D826', false, 'warning'],
    [`9bd9bbc6${to}${n}${bytes}`, 'Send 1 USDC to 0xCD2a…D826', false, 'warning'],
    [`d8fbe994${word(own)}${to}${n}`, 'Send 1 USDC of your own account to 0xCD2a…D826', false, 'warning'],
    [`c1d34b89${word(own)}${to}${n}${word(128)}${word(0)}`, 'Send 1 USDC of your own account to 0xCD2a…D826', false, 'warning'],
    [`3177029f${to}${n}`, 'Let 0xCD2a…D826 spend up to 1 USDC', false, 'warning'],
    [`3177029f${to}${word(most)}`, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger warning'],
    [`cae9ca51${to}${word(most)}${bytes}`, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger warning'],
    [`959b8c3f${to}`, 'Let 0xCD2a…D826 spend all your USDC', true, 'danger'],
    [`fad8b32a${to}`, 'End what 0xCD2a…D826 may spend of your USDC', false, ''],
    [`110496e5${to}${word(1)}`, 'Let 0xCD2a…D826 take what you lent at USDC, and borrow in your name', true, 'danger'],
    [`110496e5${to}${word(0)}`, 'End what 0xCD2a…D826 may take or borrow in your name at USDC', false, ''],
    [`095bcdb6${to}${word(9)}${word(5)}`, 'Send 5 of token no. 9 of USDC of your own account to 0xCD2a…D826', false, ''],
    [
      `095bcdb6${to}${word(9)}${word(2n ** 96n)}`,
      'Send 79,228,162,514,264,337,593,543,950,336 of token no. 9 of USDC of your own account to 0xCD2a…D826',
      false,
      '',
    ],
    [`fe99049a${word(someone)}${to}${word(9)}${word(5)}`, 'Send 5 of token no. 9 of USDC of 0x3535…3535 to 0xCD2a…D826', false, ''],
    [`426a8493${to}${word(9)}${word(5)}`, 'Let 0xCD2a…D826 take 5 of token no. 9 of USDC', false, ''],
    [`426a8493${to}${word(9)}${word(most)}`, 'Let 0xCD2a…D826 take all you have of token no. 9 of USDC', true, 'danger'],
    [`426a8493${to}${word(9)}${word(0)}`, 'End what 0xCD2a…D826 may take of token no. 9 of USDC', false, ''],
    [`558a7297${to}${word(1)}`, 'Let 0xCD2a…D826 take ALL your NFTs and tokens of USDC', true, 'danger'],
    [`558a7297${to}${word(0)}`, 'End what 0xCD2a…D826 may take of USDC', false, ''],
    [`c04a8a10${to}${n}`, 'Let 0xCD2a…D826 borrow 1 USDC in your name', false, ''],
    [`c04a8a10${to}${word(most)}`, 'Let 0xCD2a…D826 borrow USDC in your name, without limit', true, 'danger'],
    [`c04a8a10${to}${word(0)}`, 'End what 0xCD2a…D826 may take or borrow in your name at USDC', false, ''],
    [
      `9fd5a6cf${word(own)}${to}${word(most)}${word(1900000000n)}${word(160)}${word(0)}`,
      'Hand in a signed permit: let 0xCD2a…D826 spend all your USDC',
      true,
      'danger',
    ],
    [`e3ee160e${word(someone)}${to}${n}${signed}`, 'Send 1 USDC of 0x3535…3535 to 0xCD2a…D826', false, ''],
    [`ef55bec6${word(someone)}${to}${n}${signed}`, 'Send 1 USDC of 0x3535…3535 to 0xCD2a…D826', false, ''],
    ...['transfer', 'receive'].map(
      (name) =>
        [
          `${selector(`${name}WithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)`)}${word(someone)}${to}${n}${word(0)}${word(1)}${word(2)}${word(224)}${word(0)}`,
          'Send 1 USDC of 0x3535…3535 to 0xCD2a…D826',
          false,
          '',
        ] as const,
    ),
    [
      `${selector('operatorSend(address,address,uint256,bytes,bytes)')}${word(someone)}${to}${n}${word(160)}${word(192)}${word(0)}${word(0)}`,
      'Send 1 USDC of 0x3535…3535 to 0xCD2a…D826',
      false,
      'warning',
    ],
  ] as const) {
    const part = says(usdc, data)
    assert.equal(part.sentence.en, sentence)
    assert.match(part.sentence.zh, /\p{Script=Han}/u)
    assert.deepEqual([part.danger, levels(part)], [danger, alerts], sentence)
  }
})

test('a right to borrow is not called a right to spend tokens, on the whole screen', () => {
  for (const data of [`110496e5${word(other)}${word(1)}`, `c04a8a10${word(other)}${word(most)}`, `c04a8a10${word(other)}${word(5)}`]) {
    const screen = JSON.stringify(says(usdc, data))
    for (const wrong of ['all your tokens of this kind', 'Who may take it', 'spend', '该种代币', '花费'])
      assert.ok(!screen.includes(wrong), `${wrong}: ${screen}`)
    assert.match(screen, /borrow/)
    assert.match(screen, /借/)
  }
})

test('a token with a number is not called an NFT, and a transfer has its exact amount', () => {
  for (const n of [0n, 5n, 2n ** 96n - 1n, most]) {
    for (const data of [
      `095bcdb6${word(other)}${word(9)}${word(n)}`,
      `fe99049a${word(someone)}${word(other)}${word(9)}${word(n)}`,
      `426a8493${word(other)}${word(9)}${word(n)}`,
    ]) {
      const screen = JSON.stringify(says(usdc, data))
      assert.doesNotMatch(screen, /NFT|∞/)
      if (!data.startsWith('426a8493')) assert.ok(screen.includes(formatUnits(n, 0)), screen)
    }
  }
  assert.match(says(usdc, `095bcdb6${word(other)}${word(9)}${word(5)}`).sentence.zh, /USDC 的 9 号代币 5 个/)
})

test('a value that goes with a call is said', () => {
  const { rows } = says(usdc, `095ea7b3${word(other)}${word(5n)}`, 9n)
  assert.ok(rows.some(({ value }) => value.kind === 'words' && value.words.en === '9 wei'))
})

test('several calls in one are said one by one', () => {
  const approval = `095ea7b3${word(other)}${word(most)}`
  const send = `a9059cbb${word(someone)}${word(1500000n)}`
  for (const data of [
    `ac9650d8${word(32)}${list([approval, send])}`,
    `5ae401dc${word(1900000000)}${word(64)}${list([approval, send])}`,
    `1f0464d1${word(0)}${word(64)}${list([approval, send])}`,
  ]) {
    const part = says(usdc, data)
    assert.equal(part.sentence.en, 'Make 2 calls in one through USDC')
    assert.deepEqual(
      part.parts.map(({ sentence }) => sentence.en),
      ['Let 0xCD2a…D826 spend all your USDC', 'Send 1.5 USDC to 0x3535…3535'],
    )
    assert.equal(part.danger, true, 'one of them is dangerous')
  }
  const inner = says(usdc, `ac9650d8${word(32)}${list([`ac9650d8${word(32)}${list([send, '12345678'])}`])}`)
  assert.deepEqual(
    inner.parts[0]!.parts.map(({ sentence }) => sentence.en),
    ['Send 1.5 USDC to 0x3535…3535', 'Call the contract USDC'],
  )
})

test('calls that name themselves again and again are bounded', () => {
  // Each of 256 calls is the same bytes, and they are such a list themselves: 256^4 calls in 40 kB.
  let data = `a9059cbb${word(someone)}${word(1)}`
  for (let level = 0; level < 4; level++) {
    const offset = word(32 * 256)
    data = `ac9650d8${word(32)}${word(256)}${offset.repeat(256)}${word(data.length / 2)}${data.padEnd(Math.ceil(data.length / 64) * 64, '0')}`
  }
  const began = performance.now()
  const part = says(usdc, data)
  assert.ok(performance.now() - began < 2000)
  const count = (one: Part): number => 1 + one.parts.reduce((sum, p) => sum + count(p), 0)
  assert.ok(count(part) < 600, String(count(part)))
  assert.equal(part.danger, true, 'it says that not all is shown')
})

test('transactions of a Safe', () => {
  const send = `a9059cbb${word(someone)}${word(1500000n)}`
  const exec = (to: string, data: string, operation: number, refund = word(0).repeat(5)) =>
    `6a761202${word(to)}${word(0)}${word(320)}${word(operation)}${refund}${word(320 + 32 + Math.ceil(data.length / 64) * 32)}` +
    `${word(data.length / 2)}${data.padEnd(Math.ceil(data.length / 64) * 64, '0')}${word(0)}`
  assert.equal(says(other, exec(usdc, send, 0)).sentence.en, 'As an owner of a Safe: send 1.5 USDC to 0x3535…3535')
  for (const [token, receiver, said] of [
    [word(0), word(0), 'up to 6000 wei to the account that sends the transaction, and 2 wei more'],
    [word(usdc), word(someone), 'up to 0.006 USDC to 0x3535…3535, and 0.000002 USDC more'],
  ] as const) {
    const refunds = says(other, exec(usdc, send, 0, `${word(1000)}${word(2000)}${word(2)}${token}${receiver}`))
    assert.equal(refunds.sentence.en, 'As an owner of a Safe: send 1.5 USDC to 0x3535…3535')
    const refund = refunds.rows.find(({ name }) => name.en === 'Refund')!
    assert.deepEqual([refunds.danger, refund.danger, levels(refunds)], [true, true, 'danger'])
    assert.ok(refund.value.kind === 'words' && refund.value.words.en.startsWith(said), said)
  }
  const delegated = says(other, exec(someone, '12345678', 1))
  assert.deepEqual([delegated.danger, levels(delegated)], [true, 'danger warning'])
  const packed = ['00', usdc.slice(2), word(0), word(send.length / 2), send].join('')
  const multi = says(
    other,
    exec(someone, `8d80ff0a${word(32)}${word(packed.length / 2)}${packed.padEnd(Math.ceil(packed.length / 64) * 64, '0')}`, 1),
  )
  assert.deepEqual(
    multi.parts.map(({ sentence }) => sentence.en),
    ['Send 1.5 USDC to 0x3535…3535'],
  )
  assert.equal(multi.danger, true, 'the code that is delegated to is not known')
})

test('arguments that no contract reads that way are refused', () => {
  const huge = word(2n ** 255n)
  for (const [types, hex] of [
    ['(bytes[])', huge],
    ['(bytes[])', word(32) + huge],
    ['(bytes[])', word(32) + word(1) + huge],
    ['(bytes[])', word(32) + word(1) + word(32) + huge],
    ['(bytes)', word(32) + word(33)],
    ['(address)', 'f'.repeat(64)],
    ['(bool)', word(2)],
    ['(uint48)', word(2n ** 48n)],
    ['(address)', ''],
    ['((address,bytes)[])', word(32) + word(4096)],
    ['(uint256[])', word(32) + word(5000)],
  ] as const)
    assert.equal(decode(types, hex), undefined, `${types} ${hex.slice(0, 80)}`)
  assert.deepEqual(
    decode(
      '(uint256,bytes4,string,(bool,address)[])',
      [word(7), `aabbccdd${'0'.repeat(56)}`, word(128), word(192), word(2), 'abcd'.padEnd(64, '0'), word(1), word(1), word(own)].join(''),
    ),
    {
      args: [7n, '0xaabbccdd', '0xabcd', [[true, own]]],
      rest: 0,
    },
  )
})
