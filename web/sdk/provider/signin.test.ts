import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mismatches, readSignIn, type Mismatch } from './signin'

const account = '0x6031564e7b2F5cc33737807b2E58DaFF870B590b'
const words = 'wants you to sign in with your Ethereum account:'

/** message returns a sign-in message in the form of EIP-4361. */
function message({ domain = 'good.example', address = account, uri = 'https://good.example/login', chainId = '1' } = {}): string {
  return `${domain} ${words}\n${address}\n\nI accept the terms.\n\nURI: ${uri}\nVersion: 1\nChain ID: ${chainId}\nNonce: 32891756\nIssued At: 2026-09-30T16:25:24Z`
}

/** differs returns what does not fit, or undefined if the message is none of sign-in. */
function differs(text: string | Uint8Array, origin: string | undefined = 'https://good.example', chainId = 1): Mismatch[] | undefined {
  const signIn = readSignIn(text)
  return signIn && mismatches(signIn, { origin, address: account, chainId })
}

test('a message for the site that asks fits', () => {
  assert.deepEqual(differs(message()), [])
  assert.deepEqual(differs(new TextEncoder().encode(message())), [])
  assert.deepEqual(readSignIn(message()), {
    domain: 'good.example',
    scheme: undefined,
    address: account,
    uri: 'https://good.example/login',
    chainId: '1',
  })
  for (const [domain, origin] of [
    ['GOOD.example', 'https://good.example'],
    ['https://good.example', 'https://good.example'],
    ['HTTPS://good.example', 'https://good.example'],
    ['good.example:443', 'https://good.example'],
    ['good.example:8443', 'https://good.example:8443'],
    ['localhost:7380', 'http://localhost:7380'],
    ['http://localhost:7380', 'http://localhost:7380'],
    ['localhost', 'http://localhost'],
    ['[::1]:8080', 'http://[::1]:8080'],
    ['bücher.example', 'https://xn--bcher-kva.example'],
    ['xn--bcher-kva.example', 'https://xn--bcher-kva.example'],
  ] as const) {
    assert.deepEqual(differs(message({ domain, uri: origin }), origin), [], domain)
  }
})

test('a message for another site does not fit, however it is written', () => {
  for (const domain of [
    'evil.example',
    'sub.good.example',
    'example',
    'good.example.evil.example',
    'good.example.',
    'good.example:8443',
    'http://good.example',
    'ftp://good.example',
    'good.example@evil.example',
    'evil.example@good.example',
    'https://good.example@evil.example',
    'good.example/evil.example',
    'good.example?evil.example',
    'good.example#evil.example',
    'good.example\\evil.example',
    'evil.example good.example',
    'good.example evil.example',
    'good.example\nevil.example',
    'gооd.example', // Cyrillic
    'good.example:99999',
    'https://',
    ':443',
    '',
    '//good.example',
    'javascript:good.example',
    'Please sign. good.example',
  ]) {
    assert.ok(differs(message({ domain }))?.includes('domain'), domain)
  }
})

test('a message that is nearly one of EIP-4361 is read as one', () => {
  const evil = message({ domain: 'evil.example' })
  for (const text of [
    ` ${evil}`,
    `\n\n${evil}`,
    `\ufeff${evil}`,
    evil.replaceAll('\n', '\r\n'),
    evil.replaceAll('\n', '\r'),
    evil.replaceAll('\n', '\u2028'),
    evil.replace('wants you', 'WANTS  YOU'),
    evil.replace(' wants', '\nwants'),
    evil.replace('wants', 'wa\u200bnts'),
    evil.replace('wants', 'wa\u{E0061}nts'),
    evil.replace('wants', 'ｗants'),
    evil.replace(' you ', '\u00a0you\u3000'),
    evil.replace('sign in', 'sign-in'),
    evil.replace('account:', 'account'),
    evil.slice(0, evil.indexOf('URI')),
    `${evil}\nand more`,
    `${message()}\n${evil}`,
    `${evil}\n${message()}`,
    message().replace('I accept the terms.', `evil.example ${words}`),
    `\u202e${evil}`,
    ...['**Ethereum**', 'Polygon', '**Arbitrum One**', 'BNB Smart Chain', 'eip155:1', 'EVM'].map((name) => evil.replace('Ethereum', name)),
    evil.replace('Ethereum account:\n', '**Base** account: '),
    evil.replace('Ethereum account:\n', 'Ethereum account:\neip155:1:'),
    evil.replace('Ethereum account:\n', 'blockchain account:\neip155:1:'),
  ]) {
    assert.ok(differs(text)?.includes('domain'), JSON.stringify(text))
  }
  assert.deepEqual(differs(message().replace('Ethereum', '**OP Mainnet**')), [], 'as AppKit writes it')
  assert.deepEqual(differs(` ${message()} `), [], 'and so is a message for this site')
  assert.deepEqual(differs(message().replaceAll('\n', '\r\n')), [])
})

test('a message that only mentions signing in is an ordinary one', () => {
  for (const text of [
    '',
    'hello',
    'good.example: I sign in with my imKey.',
    'evil.example wants you to sign in with your Solana account:\nx',
    'evil.example wants you to sign in with your Solana account:\n4Nd1mBQtrMJVYVfKf2PJy9NZUZdTAsp7D4xWLs4gDB4T\n\nas ' + account,
    'evil.example wants you to sign in with your new account',
    'wants you to sign',
  ]) {
    assert.equal(differs(text), undefined, text)
  }
})

test('without an origin that a user sees, no message fits', () => {
  for (const origin of [undefined, 'null', '', 'about:blank', 'file:', 'data:text/html,x']) {
    const signIn = readSignIn(message({ domain: 'null' }))!
    assert.ok(mismatches(signIn, { origin, address: account, chainId: 1 }).includes('domain'), String(origin))
  }
})

test('address, URI and chain are compared too', () => {
  assert.deepEqual(differs(message({ address: account.toLowerCase() })), [])
  assert.deepEqual(differs(message({ address: `0x${'12'.repeat(20)}` })), ['address'])
  assert.deepEqual(differs(message({ address: `${account}00` })), ['address'])
  for (const uri of ['https://evil.example/login', 'https://good.example@evil.example', 'good.example', 'did:key:z6Mk']) {
    assert.deepEqual(differs(message({ uri })), ['uri'], uri)
  }
  assert.deepEqual(differs(message({ chainId: '10' })), ['chain'])
  assert.deepEqual(differs(message({ chainId: '0x1' })), ['chain'])
  assert.deepEqual(differs(message(), 'https://good.example', 10), ['chain'])
  assert.deepEqual(differs(`good.example ${words}\n`), ['address', 'uri', 'chain'])
})
