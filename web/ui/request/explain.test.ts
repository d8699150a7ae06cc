import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { explain, type Explanation } from './explain'
import type { Branch, Part } from './model'
import type { Described, Review, What } from '../../broker/types'

/** The reviews that the pictures show, too. */
const reviews = JSON.parse(readFileSync('ui/request/testdata/reviews.json', 'utf8')) as Record<string, { review: Review; known?: string[] }>

const own = '0x6031564e7b2F5cc33737807b2E58DaFF870B590b'
const account = { address: own, path: "m/44'/60'/0'/0/0" }
const someone = '0x3535353535353535353535353535353535353535'
const usdc = '0xA0b86991c6218b36c1d19D4a2e9Eb0cE3606eB48'
const ethereum = { id: 1, name: 'Ethereum', nativeCurrency: { symbol: 'ETH', decimals: 18 }, known: true }
const nothing = { blind: true, digest: '0x', summary: { kind: 'call', payment: '', receiver: '', fee: '', unlimited: false } } as const
const asked = (what: What, origin = 'https://example.org') => explain({ id: '1', origin, what })
const alertsOf = (part: Part): string[] => [
  ...part.alerts.filter(({ level }) => level === 'danger').map(({ text }) => text.en),
  ...part.parts.flatMap(alertsOf),
]

test('what every kind of request does', () => {
  const says: Record<string, readonly [sentence: string, danger: boolean]> = {
    'accounts': ['uniswap.org wants to see your address', false],
    'accounts, one': ['beispiel.github.io wants to see your address', false],
    'accounts, look-alike': ['xn--unswp-7ve7x.org wants to see your address', false],
    'accounts, not encrypted': ['192.0.2.7:8080 wants to see your address', false],
    'hand-over': ['Take over the binding that this site has with your imKey', false],
    'hand-over, replacing': ['Take over the binding that this site has with your imKey', true],
    'transfer': ['Send 1.5 ETH to 0x3535…3535', false],
    'transfer, unknown chain': ['Send 1.5 ETH (the site’s word) to 0x3535…3535', false],
    'token': ['Send 1,234.56789 USDC to 0x3535…3535', false],
    'approval': ['Let 0xCD2a…D826 spend up to 250 USDC', false],
    'approval, unlimited': ['Let 0xCD2a…D826 spend all your USDC', true],
    'approval, unknown token': [
      'Let 0x3535…3535 spend up to 7 units of the token 0xCD2a…D826, or let 0x3535…3535 take NFT no. 7 of 0xCD2a…D826',
      false,
    ],
    'all NFTs': ['Let 0x3535…3535 take ALL your NFTs and tokens of 0xCD2a…D826', true],
    'NFT': ['Send NFT no. 77 of 0xCD2a…D826 of your own account to 0x3535…3535', false],
    'unknown call': ['Send 1 ETH to the contract 0xCD2a…D826 and call it', false],
    'creation': ['Create a contract', false],
    'delegation': ['Give FULL CONTROL of an account to the code at 0xCD2a…D826', true],
    'every chain, replaced, not sent': ['Send 0.000000000000000001 ETH to 0x3535…3535', true],
    'rollup': ['Send nothing to 0xA0b8…eB48', false],
    'multicall': ['Make 2 calls in one through 0xCD2a…D826', true],
    'Permit2, permit': ['Hand in a signed permit: let 0xCD2a…D826 spend all your USDC', true],
    'calls': ['Make 2 calls, one after another', false],
    'calls, status': ['Transactions of this batch', false],
    'message': ['Sign a message', false],
    'message, hidden': ['Sign a message', false],
    'bytes': ['Sign 120 bytes that are no text', false],
    'digest': ['Sign 32 bytes that are no text', true],
    'sign-in': ['Sign in to app.uniswap.org', false],
    'sign-in, another site': ['Sign in to opensea.io', true],
    'Permit': ['Permit by signature: let 0xCD2a…D826 spend up to 250 USDC', false],
    'Permit of DAI': ['Permit by signature: let 0xCD2a…D826 spend all your DAI', true],
    'PermitSingle': ['Permit by signature: let 0xCD2a…D826 spend all your USDC', true],
    'PermitBatch': ['Permit by signature: let 0xCD2a…D826 spend 2 of your tokens', true],
    'PermitBatch of a stranger': ['Permit by signature: let 0xCD2a…D826 spend up to 5 USDC', true],
    'PermitWitnessTransferFrom': ['Permit by signature: let 0xCD2a…D826 spend up to 99 USDC', false],
    'Seaport': ['Permit by signature: offer NFT no. 8817 of 0xCD2a…D826 for 1.5 of the chain’s coin', false],
    'Seaport, for nothing': ['Permit by signature: offer NFT no. 8817 of 0xCD2a…D826, NFT no. 2 of 0xCD2a…D826 for nothing', true],
    'Seaport, bulk': ['Permit by signature: offer for sale, in 3 orders at once', true],
    'Safe': ['As an owner of a Safe: send 5 USDC to 0x3535…3535', false],
    'Safe, delegating': ['As an owner of a Safe: call the contract 0xCD2a…D826', true],
    'transfer with authorization': ['Permit by signature: send 5 USDC to 0x3535…3535', false],
    'typed data': ['Sign “Mail” for the application “Ether Mail”', false],
    'TRON, accounts': ['sun.example wants to see your TRON address', false],
    'TRON, transfer': ['Send 1.5 TRX to THfuSD…7acotq', false],
    'TRON, USDT': ['Send 2.5 USDT to THfuSD…7acotq', false],
    'TRON, unlimited': ['Let THfuSD…7acotq spend all your USDT', true],
    'TRON, stake': ['Stake 5 TRX for ENERGY', false],
    'TRON, call': ['Call the contract THfuSD…7acotq', false],
    'TRON, control': ['CHANGE WHO CONTROLS your account', true],
    'TRON, message': ['Sign a message with your TRON account', false],
    'Bitcoin, payment': ['Send 0.004 BTC to bc1pqvrl…devceu', false],
    'Cosmos, transfer': ['Send 0.001 ATOM to cosmos1yeckx…mxmuxt', false],
    'Cosmos, vote': ['Vote NO WITH VETO', false],
    'Cosmos, other': ['Other message: wasm/MsgExecuteContract', false],
    'Bitcoin, shared': ['Send 0.005 BTC to 2 receivers', true],
  }
  assert.deepEqual(Object.keys(reviews).sort(), Object.keys(says).sort())
  for (const [name, { review, known }] of Object.entries(reviews)) {
    const { part } = explain(review, known)
    assert.deepEqual([part.sentence.en, part.danger], says[name]!, name)
    assert.match(part.sentence.zh, /\p{Script=Han}/u, name)
  }
})

test('what a transaction of another coin has besides', () => {
  const rowsOf = (name: string) =>
    explain(reviews[name]!.review).part.rows.map(({ name, value, danger }) => {
      const said =
        value.kind === 'address' ? value.address : value.kind === 'words' ? value.words.en : value.kind === 'text' ? value.text : value.hex
      return `${name.en}: ${said}${danger ? '!' : ''}`
    })
  const own = 'TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2'
  const other = 'THfuSDVRvSsjNDPFdGjMU19Ha4Kf7acotq'
  const usdt = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
  assert.deepEqual(rowsOf('TRON, unlimited'), [
    `Who may take it: ${other}`,
    'Amount: without limit!',
    `Token: ${usdt}`,
    `Your account: ${own}`,
  ])
  // A memo cannot pass for something else that the words have.
  assert.deepEqual(rowsOf('TRON, call'), [
    `Contract: ${other}`,
    'Call: unknown call 12345678',
    'Signed by permission no.: 2',
    'Memo: "for, memo you"',
    `Your account: ${own}`,
  ])
  assert.deepEqual(costOf(explain(reviews['TRON, USDT']!.review)).slice(0, 2), ['Fee for energy, at most: 100 TRX', 'Chain: TRON'])
  assert.deepEqual(costOf(explain(reviews['Bitcoin, payment']!.review)).slice(0, 3), [
    'Fee, at most: 0.000011 BTC',
    'Your inputs: 0.01 BTC',
    'Leaves your wallet: 0.004011 BTC',
  ])
  assert.deepEqual(rowsOf('Cosmos, transfer').slice(0, 4), [
    'To: cosmos1yeckxz7tapz34kjwnjxvmxzurerquhtrmxmuxt',
    'Amount: 0.001 ATOM',
    'Messages: MsgSend',
    'Memo: for, on me',
  ])
  assert.deepEqual(costOf(explain(reviews['Cosmos, vote']!.review)).slice(0, 2), ['Fee, at most: 0.00075 ATOM', 'Chain: osmosis-1'])
  assert.equal(explain(reviews['Cosmos, other']!.review).tree![0]!.branches![1]!.branches![1]!.name, 'msg')
  const shared = explain(reviews['Bitcoin, shared']!.review)
  assert.ok(rowsOf('Bitcoin, shared').includes('Inputs that are not yours: 2, 3'))
  assert.equal(shared.override?.en, 'I know that this fee is high, and want to pay it')
  assert.deepEqual(
    shared.part.alerts.map(({ level }) => level),
    ['danger', 'warning'],
  )
  assert.deepEqual(
    shared.device!.lines.map(({ title }) => title),
    ['0.0025 BTC', '0.0025 BTC', 'Fee:'],
  )
})

const costOf = ({ cost, costAlerts }: Explanation) => [
  ...cost.map(({ name, value }) => `${name.en}: ${value.kind === 'words' ? value.words.en : value.kind === 'text' ? value.text : ''}`),
  ...costAlerts.map(({ text }) => text.en.split('.')[0]!),
]

test('what it costs at most', () => {
  const cost = (name: string) => costOf(explain(reviews[name]!.review))
  assert.deepEqual(cost('transfer'), ['Fee, at most: 0.000042 ETH', 'Together, at most: 1.500042 ETH', 'Chain: Ethereum (1)'])
  assert.deepEqual(cost('delegation').slice(-1), ['Fee not shown on your imKey'])
  assert.deepEqual(cost('rollup').slice(-1), ['The chain takes a fee for data as well'])
  assert.deepEqual(cost('transfer, unknown chain'), [
    'Fee, at most: 0.000042 ETH (the site’s word)',
    'Together, at most: 1.500042 ETH (the site’s word)',
    'Chain: Ethereum Mainnet (987654321) (the site’s word)',
    'Node: rpc.bad.example',
    'The name of the chain and of its coin are the site’s words: this chain is not known here',
  ])
  assert.deepEqual(cost('every chain, replaced, not sent').slice(0, 1), ['Fee, at most: 1 ETH'])
  assert.ok(cost('every chain, replaced, not sent').includes('This fee is unusually high'))
  assert.deepEqual(cost('calls').slice(0, 2), ['Fee, at most: 0.000084 ETH', 'Together, at most: 0.100084 ETH'])
})

test('what the device shows', () => {
  const device = (name: string) => explain(reviews[name]!.review).device!
  assert.deepEqual(
    device('transfer').lines.map(({ title, text }) => `${title} ${text}`),
    ['Pay: 1.5 ETH', `To: ${someone}`, 'Fee: 0.000042 ETH'],
  )
  assert.match(device('unknown call').note.en, /does not show all/)
  assert.deepEqual([device('delegation').lines, device('delegation').digest], [[], `0x${'ab'.repeat(32)}`])
  assert.equal(device('message').lines[0]!.title, 'Sign message:')
  assert.equal(device('message, hidden').digest, `0x${'ef'.repeat(32)}`)
  assert.deepEqual([device('Permit').lines, device('Permit').digest], [[], `0x${'12'.repeat(32)}`])
  assert.equal(device('calls').times, 2)
  assert.equal(explain(reviews['calls']!.review).devices!.length, 2)
})

test('a binding that moves here replaces no record without an override', () => {
  assert.equal(explain(reviews['hand-over']!.review).override, undefined)
  const { what } = reviews['hand-over, replacing']!.review
  if (what.kind !== 'hand-over') throw new Error()
  for (const state of ['bound', 'unfinished', 'imported', 'former', 'unreadable'] as const) {
    const said = asked({ ...what, known: { ...what.known!, state } })
    assert.match(said.override!.en, /^Replace the binding/, state)
    assert.match(alertsOf(said.part)[0]!, /would replace it/, state)
  }
})

test('a sign-in for another site stops, with an override', () => {
  assert.equal(explain(reviews['sign-in']!.review).override, undefined)
  const said = explain(reviews['sign-in, another site']!.review)
  assert.match(said.override!.en, /signs me in elsewhere/)
  assert.match(alertsOf(said.part)[0]!, /^Stop: /)
  const { what } = reviews['sign-in']!.review
  if (what.kind !== 'message') throw new Error()
  for (const [signIn, override] of [
    [{ ...what.signIn!, domain: undefined, differs: ['domain'] as const }, true],
    [{ ...what.signIn!, differs: ['address'] as const }, true],
    [{ ...what.signIn!, differs: ['uri', 'chain'] as const }, false],
  ] as const) {
    assert.equal(asked({ ...what, signIn }).override !== undefined, override)
  }
})

const tx = (change: Partial<Described['transaction']> = {}): What => ({
  kind: 'transaction',
  account,
  chain: ethereum,
  sends: true,
  transaction: {
    type: '0x2',
    chainId: '0x1',
    nonce: '0x1',
    gas: '0x5208',
    maxFeePerGas: '0x1',
    to: someone,
    value: '0x0',
    data: '0x',
    ...change,
  },
  description: nothing,
})

test('10,000 authorizations', () => {
  const one = { chainId: '0x1', address: `0x${'0'.repeat(40)}`, nonce: '0x1', yParity: '0x0', r: '0x1', s: '0x1' }
  const list = [...Array.from({ length: 10_000 }, () => one), { ...one, address: someone }]
  const { part } = asked(tx({ authorizationList: list }))
  assert.match(part.sentence.en, /FULL CONTROL of an account to the code at 0x3535…3535/, 'also the last one counts')
  assert.equal(part.danger, true)
  assert.ok(part.rows.length < 40)
  assert.ok(part.rows.some(({ value }) => value.kind === 'words' && value.words.en === 'and 9981 more'))
  assert.equal(asked(tx({ authorizationList: list.slice(0, 5) })).part.danger, false, 'they end delegations')
})

test('huge amounts', () => {
  const most = `0x${'f'.repeat(64)}`
  const said = asked(tx({ value: most, gas: '0xffffffffffffffff', maxFeePerGas: most }))
  assert.match(said.part.sentence.en, /^Send 115,792,089,/)
  assert.ok(costOf(said).includes('This fee is unusually high'))
})

test('a batch of 500 calls', () => {
  const one = tx() as Extract<What, { kind: 'transaction' }>
  const calls = Array.from({ length: 500 }, () => ({ transaction: one.transaction, description: nothing }))
  const { part, device } = asked({ kind: 'calls', account, chain: ethereum, calls, first: 1, total: 500 })
  assert.deepEqual([part.parts.length, part.danger, device!.times], [100, true, 500])
  const rest = asked({ kind: 'calls', account, chain: ethereum, calls: calls.slice(0, 1), first: 3, total: 3 })
  assert.deepEqual(rest.part.rows[0]!.value, { kind: 'words', words: { en: 'call 3 of 3', zh: '第 3 个，共 3 个' } })
})

test('names of a chain and a coin cannot pass for others', () => {
  const chain = { id: 5, name: 'Ethereum\u202e', nativeCurrency: { symbol: 'E\u200bTH', decimals: 18 }, known: false }
  const said = asked({ ...(tx({ value: '0x1' }) as Extract<What, { kind: 'transaction' }>), chain })
  assert.match(said.part.sentence.en, /E\[U\+200B\]TH \(the site’s word\)/)
  assert.ok(costOf(said).some((line) => line.includes('Ethereum[U+202E] (5) (the site’s word)')))
})

const typed = (types: object, primaryType: string, message: unknown, domain: unknown = { name: 'App' }): What => ({
  kind: 'typed-data',
  account,
  version: 'V4',
  description: nothing,
  document: { types: { EIP712Domain: [{ name: 'name', type: 'string' }], ...types }, primaryType, domain, message } as never,
})
const leaves = (tree: readonly Branch[] = []): number => tree.reduce((sum, { branches }) => sum + (branches ? leaves(branches) : 1), 0)

test('typed data with 100 kB, and with deep nesting', () => {
  const began = performance.now()
  const text = asked(typed({ A: [{ name: 'text', type: 'string' }] }, 'A', { text: 'x\u202e'.repeat(50_000) }))
  assert.equal(text.tree![1]!.branches!.length, 1)
  const wide = asked(typed({ A: [{ name: 'list', type: 'uint256[]' }] }, 'A', { list: Array.from({ length: 20_000 }, (_, i) => i) }))
  assert.ok(leaves(wide.tree) < 1600)
  assert.equal(wide.part.danger, true, 'it says that not all is shown')
  let value: unknown = {}
  for (let i = 0; i < 60; i++) value = { next: value }
  const deep = asked(typed({ A: [{ name: 'next', type: 'A' }] }, 'A', value))
  let depth = 0
  for (let at = deep.tree![1]; at?.branches?.length; at = at.branches[0]) depth++
  assert.equal(depth, 61)
  const circle: Record<string, unknown> = {}
  circle['next'] = circle
  asked(
    typed(
      {
        A: [
          { name: 'next', type: 'A' },
          { name: 'again', type: 'A' },
        ],
      },
      'A',
      { next: circle, again: circle },
    ),
  )
  asked(typed({ A: [{ name: 'n', type: 'uint256' }] }, 'A', { n: '9'.repeat(100_000) }))
  assert.ok(performance.now() - began < 3000)
})

test('only what the types name is shown, since only that is signed', () => {
  const what = typed(
    {
      Permit: [
        { name: 'owner', type: 'address' },
        { name: 'spender', type: 'address' },
        { name: 'value', type: 'uint256' },
        { name: 'deadline', type: 'uint256' },
      ],
    },
    'Permit',
    { owner: own, spender: someone, value: '1', deadline: '5', note: 'harmless', nonce: 3 },
    { name: 'USD Coin', chainId: 1, verifyingContract: usdc },
  )
  // The domain's contract is not signed here either: its type names only the name.
  const said = asked(what)
  assert.equal(said.part.sentence.en, 'Sign “Permit” for the application “USD Coin”')
  assert.deepEqual(
    said.tree![1]!.branches!.map(({ name }) => name),
    ['owner', 'spender', 'value', 'deadline'],
  )
  assert.deepEqual(
    said.tree![0]!.branches!.map(({ name }) => name),
    ['name'],
  )
})

test('a type by the name of another does not pass for it', () => {
  const domain = {
    EIP712Domain: [
      { name: 'chainId', type: 'uint256' },
      { name: 'verifyingContract', type: 'address' },
    ],
  }
  const at = { chainId: 1, verifyingContract: usdc }
  // spender as a text, value as text: what is signed is no permit.
  const permit = [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'string' },
    { name: 'value', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ]
  const said = asked(typed({ ...domain, Permit: permit }, 'Permit', { owner: own, spender: someone, value: 1, deadline: 1 }, at))
  assert.equal(said.part.sentence.en, 'Sign “Permit”')
})

/** review returns the typed data of a review with another message, domain or types. */
const changed = (name: string, message: object, domain: object = {}): What => {
  const { what } = structuredClone(reviews[name]!.review)
  if (what.kind !== 'typed-data') throw new Error(name)
  const { document } = what
  return { ...what, document: { ...document, message: { ...document.message, ...message }, domain: { ...document.domain, ...domain } } }
}

const padded: Readonly<Record<string, (n: string) => string>> = {
  'white space before': (n) => ' '.repeat(101) + n,
  'white space after': (n) => n + '\ufeff'.repeat(101),
  'zeros': (n) => n.padStart(300, '0'),
}

test('a padded number does not hide a permit, nor the chain', () => {
  const most = (2n ** 256n - 1n).toString()
  const rowsOf = ({ part }: Explanation) => part.rows.map(({ name, value }) => [name.en, value])
  for (const [how, pad] of Object.entries(padded)) {
    const said = asked(changed('Permit', { value: pad(most), deadline: pad('1900000000') }))
    assert.equal(said.part.sentence.en, 'Permit by signature: let 0xCD2a…D826 spend all your USDC', how)
    assert.equal(said.part.danger, true, how)
    const chain = asked(changed('Permit', {}, { chainId: pad('1') }))
    assert.deepEqual(rowsOf(chain), rowsOf(explain(reviews['Permit']!.review)), how)
  }
})

test('a known type that cannot be read is a danger', () => {
  for (const type of [
    'Permit',
    'PermitSingle',
    'PermitBatch',
    'PermitTransferFrom',
    'PermitBatchTransferFrom',
    'PermitWitnessTransferFrom',
    'PermitBatchWitnessTransferFrom',
    'OrderComponents',
    'BulkOrder',
    'SafeTx',
    'SafeMessage',
    'TransferWithAuthorization',
    'ReceiveWithAuthorization',
    'ForwardRequest',
    'MetaTransaction',
  ]) {
    const { part } = asked(typed({ [type]: [{ name: 'x', type: 'uint256' }] }, type, { x: 1 }))
    assert.deepEqual([part.danger, alertsOf(part)[0]?.includes('name of a known')], [true, true], type)
  }
  // A call as a text instead of hex: core hashes it, and this screen cannot read it.
  assert.equal(asked(changed('Safe', { data: 'text' })).part.danger, true)
  for (const [type, name, red] of [
    ['Order', 'Gnosis Protocol', true],
    ['Order', 'Another exchange', false],
    ['constructor', 'App', false],
    ['Mail', 'App', false],
  ] as const) {
    const { part } = asked(typed({ [type]: [{ name: 'x', type: 'uint256' }] }, type, { x: 1 }, { name }))
    assert.equal(part.danger, red, `${type} of ${name}`)
  }
})

test('the refund of a Safe’s transaction', () => {
  const refund = (message: object) => {
    const { part } = asked(changed('Safe', message))
    return { part, row: part.rows.find(({ name }) => name.en === 'Refund')! }
  }
  assert.equal(refund({ safeTxGas: 100, baseGas: 100 }).row, undefined, 'a price of 0 is no refund')

  const coin = refund({ safeTxGas: 30_000, baseGas: '70000', gasPrice: `${10n ** 13n}`, refundReceiver: someone })
  assert.equal(coin.part.sentence.en, 'As an owner of a Safe: send 5 USDC to 0x3535…3535')
  assert.deepEqual([coin.part.danger, coin.row.danger, alertsOf(coin.part).length], [true, true, 1])
  assert.ok(coin.row.value.kind === 'words')
  assert.match(coin.row.value.words.en, /^up to 1 of the chain’s coin to 0x3535…3535, and 0\.00001 of the chain’s coin more for each/)
  assert.match(coin.row.value.words.zh, /^最多向 0x3535…3535 支付 1 链上原生币/)
  const addresses = (part: Part) =>
    part.rows.flatMap(({ name, value }) => (value.kind === 'address' ? [`${name.en} ${value.address}`] : []))
  assert.ok(addresses(coin.part).includes(`Refund to ${someone}`))

  const token = refund({ baseGas: ' '.repeat(101) + '100000', gasPrice: 20, gasToken: usdc })
  assert.ok(token.row.value.kind === 'words')
  assert.match(token.row.value.words.en, /^up to 2 USDC to the account that sends the transaction, and 0\.00002 USDC more/)
  assert.match(token.row.value.words.zh, /发送该交易的账户/)
  assert.ok(addresses(token.part).includes(`Refund in ${usdc}`))
  assert.equal(asked(changed('Safe', { gasPrice: 20, gasToken: usdc.slice(2) })).part.danger, true, 'not readable')
})

test('a document of the type EIP712Domain has no message', () => {
  const domain = { name: 'App', chainId: 1 }
  const types = {
    EIP712Domain: [
      { name: 'name', type: 'string' },
      { name: 'chainId', type: 'uint256' },
    ],
  }
  const said = asked(typed(types, 'EIP712Domain', { name: 'Harmless', chainId: 5 }, domain))
  assert.deepEqual(
    said.tree!.map(({ name, branches }) => [name, branches!.map(({ value }) => value)]),
    [
      [
        'domain',
        [
          { kind: 'text', text: 'App' },
          { kind: 'text', text: '1' },
        ],
      ],
    ],
  )
})

test('names of the prototype, missing values and wrong forms', () => {
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '']) {
    asked(typed({}, name, { [name]: 1 }))
    asked(typed({ A: [{ name, type: 'string' }] }, 'A', {}))
    asked(typed({ A: [{ name: 'x', type: name }] }, 'A', { x: { y: 1 } }))
    const said = asked(typed(JSON.parse(`{"A":[{"name":"${name}","type":"string"}]}`) as object, 'A', JSON.parse(`{"${name}":"value"}`)))
    assert.deepEqual(said.tree![1]!.branches![0]!.value, { kind: 'text', text: 'value' })
  }
  const missing = asked(typed({ A: [{ name: 'toString', type: 'string' }] }, 'A', {}))
  assert.equal(missing.tree![1]!.branches![0]!.value!.kind, 'words', 'what Object.prototype has is no value')
  for (const value of [null, undefined, 7, 'x', [], {}, true, 10n, Symbol.iterator.description]) {
    asked({ kind: 'typed-data', account, version: 'V4', description: nothing, document: value as never })
    asked(typed({ A: value as never }, 'A', value))
    asked(typed({ A: [value] as never }, 'A', { x: 1 }))
    asked(typed({ A: [{ name: 'x', type: 'B[2][]' }], B: [{ name: 'y', type: 'bytes32' }] }, 'A', { x: value }))
    for (const type of ['uint8', 'int256', 'bool', 'address', 'bytes', 'string', 'uint8[]'])
      asked(typed({ A: [{ name: 'x', type }] }, 'A', { x: value }))
  }
})

test('text from right to left, and invisible characters, are marked', () => {
  const said = explain(reviews['message, hidden']!.review)
  assert.ok(said.part.alerts.some(({ text }) => text.en.includes('not visible')))
  const type = 'Mail\u202e'
  const mail = asked(typed({ [type]: [{ name: 'x', type: 'string' }] }, type, { x: 'y' }, { name: 'Uni\u200bswap' }))
  assert.equal(mail.part.sentence.en, 'Sign “Mail[U+202E]” for the application “Uni[U+200B]swap”')
})
