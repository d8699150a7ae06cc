// Writes what eth-sig-util, with which MetaMask signs, makes of messages of personal_sign: the signature, and the bytes that it is over.
// The output is the fixture web/sdk/testdata/messages.json: `node messages.mjs > ../../../web/sdk/testdata/messages.json`.
import sigUtil from '@metamask/eth-sig-util'
import { computeAddress, getBytes, toUtf8Bytes, Utf8ErrorFuncs, verifyMessage } from 'ethers'

const privateKey = Buffer.alloc(32, 7)
const address = computeAddress(`0x${privateKey.toString('hex')}`)

const messages = [
  // Hex after 0x is bytes.
  '0x',
  '0x00',
  '0x0',
  '0xf',
  '0x123',
  '0xDEADbeef',
  '0x48656c6c6f',
  `0x${'ab'.repeat(32)}`,
  `0x${'ab'.repeat(300)}`,
  '0x6031564e7b2F5cc33737807b2E58DaFF870B590b',
  // Everything else is text.
  '',
  ' ',
  '0',
  'x',
  '0xzz',
  '0x 00',
  '0x00 ',
  ' 0x00',
  '0x00\n',
  '\n0x00',
  '0x0x',
  '0xO0',
  '-0x00',
  '0X',
  '0X00',
  '0X48656C6C6F',
  'deadbeef',
  '48656c6c6f',
  '1234567890',
  'ab'.repeat(32),
  '0x０１',
  'Hello',
  'Grüße 0x',
  'line one\nline two\r\n\ttab\u0000',
  '\ufeff0x00',
  '🦊',
  '👩‍👩‍👧‍👦 é é',
  '\ufffd',
  // A lone surrogate is signed as U+FFFD.
  '\ud800',
  'a\udc00b',
  '0x\ud83d',
  `\udc00\ud800`,
  'example.com wants you to sign in with your Ethereum account:\n0x6031564e7b2F5cc33737807b2E58DaFF870B590b\n',
  'x'.repeat(136),
  'long '.repeat(1000),
]

const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`

/** signedBytes finds the bytes that a signature is over, among those that a message could mean. */
function signedBytes(message, signature) {
  const digits = message.replace(/^0x/i, '')
  const meanings = [toUtf8Bytes(message.toWellFormed(), undefined, Utf8ErrorFuncs.error)]
  if (/^[0-9a-f]*$/i.test(digits)) meanings.push(...[`0x0${digits}`, `0x${digits}0`, `0x${digits}`].filter((h) => h.length % 2 === 0).map(getBytes))
  const found = meanings.map(hex).filter((bytes) => verifyMessage(getBytes(bytes), signature) === address)
  if (new Set(found).size !== 1) throw new Error(`${JSON.stringify(message)} is signed as none of its meanings`)
  return found[0]
}

const cases = messages.map((message) => {
  const signature = sigUtil.personalSign({ privateKey, data: message })
  return { message, bytes: signedBytes(message, signature), signature }
})
process.stdout.write(`${JSON.stringify({ address, cases }, null, 1)}\n`)
