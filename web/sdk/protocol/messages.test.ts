import assert from 'node:assert/strict'
import { test } from 'node:test'
import { chainMessage, type ChainMessage, readFromSite, write } from './messages'

test('the description of every chain fits into a message', () => {
  const long = `https://node.example/?${'x'.repeat(3000)}`
  const short = Array.from({ length: 20 }, (_, n) => ({ url: `https://n${n}.example` }))
  const chain = {
    id: 1,
    nodes: [{ url: long }, { url: 'https://node.example', headers: { 'x-key': 'x'.repeat(9000) } }, ...short],
    nativeCurrency: { symbol: 'ETH' },
    webSocketUrl: long.replace('https', 'wss'),
    maxFee: 10n ** 100n,
  }
  /** read gives what a broker reads. */
  const read = (message: ChainMessage): unknown => {
    const request = readFromSite(write({ type: 'request', id: 1, method: 'x', params: [], chain: message }))
    return JSON.parse(JSON.stringify((request as { chain?: ChainMessage }).chain))
  }
  assert.deepEqual(read(chainMessage(chain, 'x'.repeat(65))), {
    chainId: 1,
    rpcUrls: short.slice(0, 16).map(({ url }) => url),
    nativeCurrency: { symbol: 'ETH', decimals: 18 },
    maxFee: `0x${'f'.repeat(64)}`,
  })
  const headers = { 'x-key': 'k' }
  const whole = { ...chain, nodes: [{ url: 'https://a.example', headers }, short[0]!], webSocketUrl: 'wss://a.example', maxFee: 5n }
  assert.deepEqual(read(chainMessage(whole, 'Ethereum')), {
    chainId: 1,
    rpcUrls: [{ url: 'https://a.example', headers }, 'https://n0.example'],
    nativeCurrency: { symbol: 'ETH', decimals: 18 },
    chainName: 'Ethereum',
    webSocketUrl: 'wss://a.example',
    maxFee: '0x5',
  })
})
