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

test('viem sends a batch of calls, and waits for it', async (t) => {
  const hashOf = (nonce) => `0x${Number(nonce).toString(16).padStart(64, '0')}`
  const eth_getTransactionReceipt = (transactionHash) => ({
    transactionHash,
    status: transactionHash === hashOf(8) ? '0x0' : '0x1',
    blockHash: HASH,
    blockNumber: '0x10',
    gasUsed: '0x5208',
    logs: [],
  })
  const node = await fakeNode(t, { eth_getTransactionReceipt, eth_sendRawTransaction: (raw) => hashOf(`0x${raw.slice(4)}`) })
  const asked = []
  const { client, device } = await viem(t, { node, confirmCalls: (request) => asked.push(request) > 0 })
  device.signTransaction = ({ nonce, from }) => ({ raw: `0x02${Number(nonce).toString(16).padStart(6, '0')}`, hash: hashOf(nonce), from })
  assert.deepEqual(await client.getCapabilities(), { 1: { atomic: { status: 'unsupported' } } })
  assert.deepEqual(await client.getCapabilities({ chainId: 1 }), { atomic: { status: 'unsupported' } })
  const calls = [
    { to: TO, value: 1n },
    { to: TO, value: 2n },
  ]
  const { id } = await client.sendCalls({ calls, experimental_fallback: true })
  assert.deepEqual([asked.length, asked[0].calls.length], [1, 2])
  const { statusCode, status, atomic, chainId, receipts } = await client.waitForCallsStatus({ id, pollingInterval: 10 })
  assert.deepEqual({ statusCode, status, atomic, chainId }, { statusCode: 600, status: 'failure', atomic: false, chainId: 1 })
  assert.deepEqual(
    receipts.map(({ status, transactionHash }) => [status, transactionHash]),
    [
      ['success', hashOf(7)],
      ['reverted', hashOf(8)],
    ],
  )
})

test('viem sends calls also where there is no page to ask on', async (t) => {
  const { client, device } = await viem(t)
  for (const calls of [
    [{ to: TO, value: 1n }],
    [
      { to: TO, value: 2n },
      { to: TO, value: 3n },
    ],
  ]) {
    await client.sendCalls({ calls, experimental_fallback: true, experimental_fallbackDelay: 0 })
  }
  assert.deepEqual(
    device.calls.filter(([name]) => name === 'signTransaction').map(([, { value }]) => value),
    ['0x1', '0x2', '0x3'],
  )
})

test("viem has a class for each of EIP-5792's refusals", async (t) => {
  const { client, device } = await viem(t, { confirmCalls: () => true })
  device.calls.length = 0
  const calls = [{ to: TO, value: 1n }]
  const name = async (promise) =>
    (
      await promise.then(
        () => assert.fail(),
        (error) => error,
      )
    ).walk((e) => /RpcError$|Error$/.test(e.name) && Number.isInteger(e.code)).name
  assert.equal(await name(client.sendCalls({ calls, forceAtomic: true })), 'AtomicityNotSupportedError')
  assert.equal(
    await name(client.sendCalls({ calls, capabilities: { paymasterService: { url: 'https://a.example' } } })),
    'UnsupportedNonOptionalCapabilityError',
  )
  assert.equal(await name(client.sendCalls({ calls, chain: { ...mainnet, id: 5 } })), 'UnsupportedChainIdError')
  assert.equal(await name(client.sendCalls({ calls: Array.from({ length: 11 }, () => calls[0]) })), 'BundleTooLargeError')
  assert.equal(await name(client.getCallsStatus({ id: '0x01' })), 'UnknownBundleIdError')
  assert.deepEqual(device.calls, [])
  await client.sendCalls({ calls, id: '0x02' })
  assert.equal(await name(client.sendCalls({ calls, id: '0x02' })), 'DuplicateIdError')
})

test('viem says which method is missing', async (t) => {
  const { client, device } = await viem(t)
  device.calls.length = 0
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
  await assert.rejects(new BrowserProvider(provider).send('wallet_watchAsset', []), { code: 'UNSUPPORTED_OPERATION' })
})
