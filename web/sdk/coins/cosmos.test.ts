import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announceCosmosProvider, type CosmosWallet, type KnownAccount, makeCosmosSigner, onCosmosProvider } from './cosmos'
import { announceTronProvider } from './tron'
import type { CosmosProvider, CosmosProviderDetail } from '../types/cosmos'

const account: KnownAccount = { path: "m/44'/118'/0'/0/0", address: 'cosmos1a', algo: 'secp256k1', pubkey: Uint8Array.of(2) }
const signature = { pub_key: { type: '', value: '' }, signature: '' } as never

const made = (wallet: Partial<CosmosWallet> = {}) =>
  makeCosmosSigner(
    {
      connect: async () => [account],
      signAmino: async (signed) => ({ signed, signature }),
      signDirect: async () => signature,
      ...wallet,
    },
    (thrown) => Object.assign(new Error(String(thrown)), { code: (thrown as { rpc?: { code: number } }).rpc?.code }),
  )

const code = (number: number) => (thrown: unknown) => {
  assert.equal((thrown as { code?: number }).code, number, String(thrown))
  return true
}

test('a signer without accounts refuses with 4100', async () => {
  await assert.rejects(made({ connect: async () => [] }).signer.getAccounts(), code(4100))

  // The permission is taken while getAccounts waits, or right after it was given, at whichever step.
  for (let steps = 0; steps < 12; steps++) {
    let give!: (accounts: KnownAccount[]) => void
    const { signer, changed } = made({ connect: () => new Promise((resolve) => (give = resolve)) })
    const asked = Promise.allSettled([signer.getAccounts(), signer.getAccounts()])
    give([account])
    for (let i = 0; i < steps; i++) await Promise.resolve()
    changed([])
    for (const one of await asked) {
      if (one.status === 'rejected') code(4100)(one.reason)
      else assert.equal(one.value.length, 1)
    }
  }
  const { signer } = made()
  await assert.rejects(signer.signAmino('cosmos1a', { msgs: [] } as never), code(4100))
})

test('what cannot be copied, or is no document, is refused with -32602', async () => {
  const { signer } = made()
  await signer.getAccounts()
  const bytes = Uint8Array.of(1)
  const direct = { bodyBytes: bytes, authInfoBytes: bytes, chainId: 'a', accountNumber: 7n }
  for (const document of [{ msgs: [() => {}] }, { memo: Symbol('') }, Symbol(''), () => {}])
    await assert.rejects(signer.signAmino('cosmos1a', document as never), code(-32602))
  for (const document of [
    null,
    undefined,
    5,
    {},
    { ...direct, bodyBytes: 'ab' },
    { ...direct, chainId: () => {} },
    { ...direct, accountNumber: Symbol('') },
  ])
    await assert.rejects(signer.signDirect('cosmos1a', document as never), code(-32602))
  await assert.rejects(signer.signArbitrary('', 'cosmos1a', 5 as never), code(-32602))
  assert.deepEqual((await signer.signDirect('cosmos1a', direct)).signed, direct)
})

test('what is signed is the document at the time of the call', async () => {
  const { signer } = made()
  await signer.getAccounts()
  const document = { memo: 'a' }
  const signing = signer.signAmino('cosmos1a', document as never)
  document.memo = 'b'
  assert.deepEqual((await signing).signed, { memo: 'a' })
})

test('a provider is announced where there are events, and nothing happens where there are none', () => {
  const provider: CosmosProvider = { isImKey: true, getOfflineSigner: () => made().signer }
  const found: CosmosProviderDetail[] = []
  announceCosmosProvider(provider)()
  announceTronProvider({} as never)()
  onCosmosProvider((detail) => found.push(detail))()
  assert.deepEqual(found, [])

  const target = new EventTarget()
  const names = ['addEventListener', 'removeEventListener', 'dispatchEvent'] as const
  for (const name of names) Object.assign(globalThis, { [name]: target[name].bind(target) })
  try {
    const end = announceCosmosProvider(provider, { name: 'Other', uuid: undefined as never })
    const endFinding = onCosmosProvider((detail) => found.push(detail))
    const [{ info }] = found as [CosmosProviderDetail]
    assert.deepEqual([found.length, info.name, info.rdns, info.uuid.length, Object.isFrozen(info)], [1, 'Other', 'im.imkey', 36, true])
    end()
    endFinding()
    onCosmosProvider((detail) => found.push(detail))()
    assert.equal(found.length, 1)
  } finally {
    for (const name of names) Reflect.deleteProperty(globalThis, name)
  }
})
