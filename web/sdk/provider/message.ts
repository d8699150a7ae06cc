import { mostBytes, toBytes, toHex } from './hex'
import { badParams } from './refusal'

/**
 * readMessage decides what personal_sign signs, as eth-sig-util does, with which MetaMask signs: a string of 0x and hex digits, or of 0x
 * alone, is bytes, with a zero before an odd number of digits. Every other string is text, and its lone surrogates become U+FFFD.
 */
export function readMessage(message: unknown): string | Uint8Array {
  if (typeof message !== 'string') throw badParams('the message is not text')
  // Longer ones are refused before they are read, which would block the page.
  if (message.length > 2 + 2 * mostBytes) throw badParams(`the message is longer than ${mostBytes} bytes`)
  const digits = /^0x([0-9a-fA-F]*)$/.exec(message)?.[1]
  if (digits === undefined) return message.replace(/\p{Surrogate}/gu, '\ufffd')
  return toBytes(`0x${digits.length % 2 ? '0' : ''}${digits}`)
}

/**
 * shown is a message as a screen shows it: bytes that are UTF-8 without control characters are text, since libraries send text in hex. Others
 * stay in hex.
 */
export function shown(message: string | Uint8Array): { readonly message: string; readonly isText: boolean } {
  if (typeof message === 'string') return { message, isText: true }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(message)
    if (!/(?![\t\n\r])\p{Cc}/u.test(text)) return { message: text, isText: true }
  } catch {} // no UTF-8
  return { message: toHex(message), isText: false }
}
