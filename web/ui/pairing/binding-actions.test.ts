import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, fail, FakeDevice, Gate } from '../model/sdk.fake'
import type { Pairing } from './pairing'
import { passing, secret, settled, setUp, toBound } from './setup.fixture'

test('the kept code is shown for half a minute and is in no state', async () => {
  const waits: number[] = []
  const gate = new Gate()
  const { pairing, device, revealed, states, report } = await toBound({
    wait: (ms, signal) => {
      if (ms === 15_000) return passing(ms, signal)
      waits.push(ms)
      return gate.promise
    },
  })
  const viewing = pairing.viewCode()
  await settled()
  const { state } = pairing
  assert.ok(state.name === 'bound' && state.manage === 'revealed')
  assert.deepEqual([revealed, waits], [[secret], [30_000]])
  gate.open()
  await viewing
  assert.deepEqual(
    states.slice(-3).map((state) => state.name === 'bound' && state.manage),
    ['asking', 'revealed', 'hidden'],
  )
  assert.equal(device.asked.at(-1), 'reveal accept=false')
  assert.ok(!JSON.stringify(states).includes(secret))
  assert.ok(!report.text().includes(secret))
})

test('the code is hidden as soon as something else is shown', async () => {
  const managed = ({ state }: Pairing) => (state.name === 'bound' ? (state.manage ?? 'nothing') : state.name)
  for (const [hide, then] of [
    [(pairing) => pairing.hideCode(), 'hidden'],
    [(pairing) => pairing.showOnDevice(), 'on-screen'],
    [(pairing) => pairing.forget(), 'forget'],
    [(pairing) => pairing.leave(), 'start'],
    [async (_, device) => device.unplug(), 'nothing'],
  ] as [(pairing: Pairing, device: FakeDevice) => Promise<void>, string][]) {
    const { pairing, device } = await toBound()
    const viewing = pairing.viewCode()
    await settled()
    assert.equal(managed(pairing), 'revealed')
    await hide(pairing, device)
    assert.equal(managed(pairing), then)
    await viewing
    assert.equal(managed(pairing), then)
  }
})

test('a code that arrives after the user left is not shown', async () => {
  const { pairing, device, revealed } = await toBound()
  const gate = new Gate<string>()
  device.onReveal = () => gate.promise
  const viewing = pairing.viewCode()
  await pairing.hideCode()
  gate.open(secret)
  await viewing
  assert.deepEqual(revealed, [])
  assert.ok(pairing.state.name === 'bound' && pairing.state.manage === undefined)
})

test('viewing the code of an unverified device accepts the device as its binding did', async () => {
  const { pairing, device } = await toBound({}, (d) => {
    d.info = { ...d.info, certificate: 'unverified' }
  })
  const viewing = pairing.viewCode()
  await settled()
  await pairing.hideCode()
  await viewing
  assert.equal(device.asked.at(-1), 'reveal accept=true')
})

test('a code that was not kept is no error, and a binding that is gone is one', async () => {
  const { pairing, device, revealed } = await toBound()
  device.onReveal = async () => Promise.reject(fail('not-bound', { data: { reason: 'not-remembered' } }))
  await pairing.viewCode()
  assert.ok(pairing.state.name === 'bound' && pairing.state.manage === 'not-remembered')
  device.onReveal = async () => Promise.reject(fail('not-bound'))
  await pairing.viewCode()
  assert.deepEqual([pairing.state, revealed], [{ name: 'error', code: 'not-bound' }, []])
})

test('the outcome of the management replaces what was said before', async () => {
  const { pairing, device, imkey } = setUp()
  device.statuses = ['bound']
  imkey.permitted = [device]
  await pairing.connect()
  await pairing.showOnDevice()
  for (const manage of ['renamed', 'unnamed', 'returned'] as const) {
    await pairing.returned(manage)
    assert.ok(pairing.state.name === 'bound' && pairing.state.manage === manage)
  }
  await pairing.leave()
  await pairing.returned('renamed')
  assert.equal(pairing.state.name, 'start')
})

test('a binding is forgotten only after a question', async () => {
  const { pairing, device } = await toBound()
  const before = pairing.state
  await pairing.forgetNow()
  assert.equal(pairing.state, before)
  await pairing.forget()
  assert.deepEqual(pairing.state, { name: 'forget', serial: 'imKey01191200001' })
  await pairing.keepBinding()
  assert.deepEqual(pairing.state, before)
  await pairing.forget()
  assert.ok(!device.asked.includes('forget'))
  await pairing.forgetNow()
  assert.deepEqual(device.asked.slice(-2), ['forget', 'close'])
  assert.deepEqual(pairing.state, { name: 'start', forgotten: true })
})

test('of records with an error, only damaged ones can be forgotten', async () => {
  for (const code of errorCodes) {
    if (code === 'locked' || code === 'in-menu' || code === 'unsupported') continue
    const { pairing, device } = setUp()
    device.statuses = [fail(code)]
    await pairing.connect()
    const error = pairing.state
    assert.deepEqual(error, { name: 'error', code })
    await pairing.forget()
    if (code !== 'record-corrupt' && code !== 'device-mismatch') {
      assert.deepEqual(pairing.state, error)
      continue
    }
    assert.deepEqual(pairing.state, { name: 'forget', serial: 'imKey01191200001', damage: code })
    await pairing.keepBinding()
    assert.deepEqual(pairing.state, error)
    await pairing.forget()
    await pairing.forgetNow()
    assert.deepEqual(device.asked, ['open', 'status', 'close', 'open', 'forget', 'close'])
    assert.deepEqual(pairing.state, { name: 'start', forgotten: true })
  }
})

test('after its binding is forgotten, a given device is used again', async () => {
  const device = new FakeDevice()
  const { pairing } = setUp({ given: device })
  device.statuses = [fail('record-corrupt'), 'bound-elsewhere']
  await pairing.connect()
  await pairing.forget()
  await pairing.forgetNow()
  assert.deepEqual([pairing.state.name, device.asked], ['recognised', ['open', 'status', 'open', 'forget', 'status']])
})

test('a new key needs the code, and says that copies are useless', async () => {
  const { pairing, device } = await toBound()
  await pairing.renewKey()
  assert.deepEqual(pairing.state, { name: 'code', source: 'screen', renew: true })
  assert.equal(device.asked.at(-1), 'show')
  device.onBind = async () => {
    throw fail('wrong-code')
  }
  await pairing.submit(secret, true)
  assert.deepEqual(pairing.state, { name: 'wrong', source: 'screen', renew: true, triesLeft: null })
  await pairing.showAgain()
  assert.deepEqual(pairing.state, { name: 'code', source: 'screen', renew: true, notice: 'shown-again' })
  device.onBind = async () => undefined
  await pairing.submit(secret, true)
  assert.equal(
    device.asked.findLast((call) => call.startsWith('bind')),
    'bind accept=false keep=true new key',
  )
  assert.ok(pairing.state.name === 'bound' && pairing.state.manage === 'renewed' && !pairing.state.fresh)
})

test('a new key after which nothing is bound is not said to be there', async () => {
  for (const [error, shown] of [
    [fail('device-disconnected'), 'error'],
    [fail('storage-full'), 'error'],
  ] as const) {
    const { pairing, device } = await toBound()
    await pairing.renewKey()
    device.onBind = () => Promise.reject(error)
    await pairing.submit(secret, true)
    assert.equal(pairing.state.name, shown)
  }
})

test('a binding by code after a new key is an ordinary one', async () => {
  const { pairing, device } = await toBound()
  await pairing.renewKey()
  await pairing.leave()
  device.statuses = ['unbound']
  await pairing.connect()
  await pairing.goOn()
  await pairing.submit(secret, false)
  assert.equal(
    device.asked.findLast((call) => call.startsWith('bind')),
    'bind accept=false keep=false',
  )
})
