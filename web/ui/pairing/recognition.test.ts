import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail, knownDevice } from '../model/sdk.fake'
import { secret, setUp } from './setup.fixture'

test('a browser that was bound shows that another app is now, and offers to bind again or to forget', async () => {
  for (const state of ['bound', 'former', 'imported'] as const) {
    const { pairing, device, imkey } = setUp()
    imkey.known = [knownDevice({ state, name: 'Savings' })]
    device.statuses = ['bound-elsewhere']
    await pairing.connect()
    assert.ok(pairing.state.name === 'rebound')
    assert.deepEqual([pairing.state.device.called, pairing.state.device.boundAt], ['Savings', '2026-01-02T03:04:05.000Z'])
    await pairing.goOn()
    assert.equal(pairing.state.name, 'elsewhere') // the warning is shown nevertheless
    await pairing.goOn()
    assert.deepEqual(pairing.state, { name: 'code', source: 'paper' })

    await pairing.connect()
    const rebound = pairing.state
    await pairing.forget()
    assert.deepEqual(pairing.state, { name: 'forget', serial: 'imKey01191200001', former: true })
    await pairing.keepBinding()
    assert.deepEqual(pairing.state, rebound)
    await pairing.forget()
    await pairing.forgetNow()
    assert.ok(device.asked.includes('forget'))
    assert.deepEqual(pairing.state, { name: 'start', forgotten: true })
  }
})

test('a browser that was never bound shows nothing of the kind', async () => {
  for (const known of [
    [],
    [knownDevice({ state: 'unfinished' })],
    [knownDevice({ seid: 'ANOTHER' })],
    [knownDevice({ state: 'unreadable' })],
  ]) {
    for (const status of ['unbound', 'bound-elsewhere'] as const) {
      const { pairing, device, imkey } = setUp()
      imkey.known = known
      device.statuses = [status]
      await pairing.connect()
      assert.equal(pairing.state.name, 'recognised')
    }
  }
})

test('a device that was bound here and is unbound now was reset', async () => {
  const { pairing, device, imkey } = setUp()
  imkey.known = [knownDevice()]
  await pairing.connect()
  assert.equal(pairing.state.name, 'reset')
  await pairing.goOn()
  assert.deepEqual(pairing.state, { name: 'code', source: 'screen' })
  assert.ok(device.asked.includes('show'))
})

test('a device that was bound elsewhere earlier in the visit and is unbound now was reset', async () => {
  const { pairing, device } = setUp()
  device.statuses = ['bound-elsewhere']
  await pairing.connect()
  device.unplug()
  await pairing.leave()
  device.statuses = ['unbound']
  await pairing.connect()
  assert.equal(pairing.state.name, 'reset')

  // This does not apply to another device.
  await pairing.leave()
  device.info = { ...device.info, seid: '18000000000000000102030405060709', serial: 'imKey01191200002' }
  await pairing.connect()
  assert.equal(pairing.state.name, 'recognised')
})

test('an unverified device must be accepted again, whatever it was bound to before', async () => {
  const { pairing, device, imkey, names } = setUp()
  imkey.known = [knownDevice()]
  device.statuses = ['bound-elsewhere']
  device.info = { ...device.info, certificate: 'unverified' }
  await pairing.connect()
  await pairing.goOn()
  await pairing.goOn()
  await pairing.goOn()
  assert.deepEqual(names(), ['choosing', 'opening', 'rebound', 'unverified', 'elsewhere', 'code'])
})

test('what the record says of a bound device is shown, and a store that fails breaks nothing else', async () => {
  const { pairing, device, imkey } = setUp({
    simulator: { serial: 's', cas: ['04' + '2B'.repeat(64), '04' + '1A'.repeat(64)], tries: async () => 1, usb: async () => ({}) },
  })
  imkey.known = [knownDevice({ name: 'Savings' })]
  device.statuses = ['bound']
  await pairing.connect()
  assert.ok(pairing.state.name === 'bound')
  const { called, boundAt, key } = pairing.state.device
  assert.deepEqual([called, boundAt, key?.of], ['Savings', '2026-01-02T03:04:05.000Z', 'simulator'])
  assert.match(key!.fingerprint, /^([0-9a-f]{4} ){3}[0-9a-f]{4}$/)

  imkey.known = [knownDevice({ name: 'Spending' })]
  await pairing.refresh()
  assert.ok(pairing.state.name === 'bound' && pairing.state.device.called === 'Spending')

  imkey.onKnown = async () => Promise.reject(fail('storage'))
  await pairing.refresh()
  assert.ok(pairing.state.name === 'bound' && pairing.state.device.boundAt === null, 'what is bound stays so')
})

test('where the records cannot be read, no device is taken for one that this browser never bound', async () => {
  for (const status of ['bound', 'bound-elsewhere', 'unbound'] as const) {
    const { pairing, device, imkey } = setUp()
    imkey.known = [knownDevice({ state: 'imported' })]
    imkey.onKnown = async () => Promise.reject(fail('storage'))
    device.statuses = [status]
    await pairing.connect()
    assert.deepEqual(pairing.state, { name: 'error', code: 'storage' }, status)
  }
})

test('a device with an invalid certificate is refused before it is asked anything', async () => {
  const { pairing, device } = setUp()
  device.info = { ...device.info, certificate: 'invalid' }
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'untrusted-device' })
  assert.deepEqual(device.asked, ['open', 'close'])
  await pairing.goOn()
  await pairing.submit(secret, true)
  assert.deepEqual(device.asked, ['open', 'close'])
})

test('a bound device of an imported binding is accepted by the user, and not by the file', async () => {
  const { pairing, device, imkey, names } = setUp()
  device.info = { ...device.info, certificate: 'unverified', certificateKey: null }
  device.statuses = ['bound']
  imkey.known = [knownDevice({ state: 'imported', certificate: null, certificateKey: null, secureElementKey: null, keyFromFile: true })]
  device.onAccept = () => {
    imkey.known = [knownDevice({ certificate: 'unverified', certificateKey: null, keyFromFile: true })]
  }
  await pairing.connect()
  assert.ok(pairing.state.name === 'unverified' && pairing.state.imported)
  assert.ok(!names().includes('bound'))
  assert.ok(!device.asked.some((call) => call.includes('accept')))
  await pairing.goOn()
  assert.equal(pairing.state.name, 'bound')
  assert.deepEqual(
    device.asked.filter((call) => call.includes('status')),
    ['status', 'status accept=true', 'status'],
  )
  assert.deepEqual(device.proved, []) // no code was needed
})

test('the yes to an imported binding is for the device that was shown', async () => {
  const { pairing, device, imkey } = setUp()
  device.info = { ...device.info, certificate: 'unverified', certificateKey: null }
  device.statuses = ['bound']
  imkey.known = [knownDevice({ state: 'imported', certificate: null, secureElementKey: null })]
  await pairing.connect()
  device.replace({ secureElementKey: '04' + '66'.repeat(64) })
  await pairing.goOn()
  assert.ok(pairing.state.name === 'error' && pairing.state.code === 'device-changed')
  assert.ok(!device.asked.includes('status accept=true'))
})
