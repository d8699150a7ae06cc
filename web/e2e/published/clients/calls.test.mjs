// Tests of what viem and ethers make of the provider's refusals.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { BrowserProvider } from 'ethers'
import { createWalletClient, custom } from 'viem'
import { mainnet } from 'viem/chains'
import { A0, connected, fakeNode, HASH, TO } from '../../../sdk/testdata/fakewallet.js'

async function viem(t, options) {
  const it = await connected(t, options)
  return { ...it, client: createWalletClient({ account: A0, chain: mainnet, transport: custom(it.provider) }) }
}

test("viem's sendCalls falls back to a transaction for each call", async (t) => {
  const { client, device } = await viem(t)
  const calls = [
    { to: TO, value: 1n },
    { to: TO, value: 2n },
  ]
  const { id } = await client.sendCalls({ calls, experimental_fallback: true })
  assert(id.startsWith(HASH), id)
  assert.deepEqual(
    device.calls.filter(([name]) => name === 'signTransaction').map(([, { value }]) => value),
    ['0x1', '0x2'],
  )
})

test('without the fallback, viem says which method is missing', async (t) => {
  const { client, device } = await viem(t)
  device.calls.length = 0
  await assert.rejects(client.sendCalls({ calls: [{ to: TO, value: 1n }] }), /wallet_sendCalls/)
  await assert.rejects(client.getCapabilities(), /wallet_getCapabilities/)
  await assert.rejects(client.watchAsset({ type: 'ERC20', options: { address: TO, symbol: 'T', decimals: 18 } }), /wallet_watchAsset/)
  assert.deepEqual(device.calls, [])
})

test('viem shows why a transaction was refused', async (t) => {
  const { client, device } = await viem(t)
  device.calls.length = 0
  const { details } = await client.sendTransaction({ to: TO, data: `0x${'00'.repeat(70_000)}`, gas: 1_000_000n }).catch((e) => e)
  assert.match(details, /data is longer than 65535 bytes/)
  assert.doesNotMatch(details, /wallet_sendTransaction/)
  assert.deepEqual(device.calls, [])
})

test("viem shows a node's refusal of a transaction, and the user is not asked", async (t) => {
  const refused = { code: -32000, message: 'gas required exceeds allowance (0)' }
  const eth_estimateGas = () => {
    throw refused
  }
  const { client, device } = await viem(t, { node: await fakeNode(t, { eth_estimateGas }) })
  device.calls.length = 0
  await assert.rejects(client.sendTransaction({ to: TO, value: 1n }), /gas required exceeds allowance/)
  assert.deepEqual(device.calls, [])
})

test('a user who rejects a transaction is asked once', async (t) => {
  const { client, device } = await viem(t)
  device.calls.length = 0
  device.signTransaction = () => {
    throw device.error('user-rejected')
  }
  await assert.rejects(client.sendTransaction({ to: TO, value: 1n }), { name: 'TransactionExecutionError', message: /rejected/i })
  assert.equal(device.calls.length, 1)
})

test('ethers knows that a method does not exist', async (t) => {
  const { provider } = await connected(t)
  await assert.rejects(new BrowserProvider(provider).send('wallet_sendCalls', []), { code: 'UNSUPPORTED_OPERATION' })
})
