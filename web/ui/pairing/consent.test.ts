// Another device takes the place of the one that the user saw. The user decided about the first one, so that no code is proved to the
// second one.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail, FakeDevice, Gate, knownDevice } from '../model/sdk.fake'
import type { DeviceInfo } from '../model/sdk'
import type { Pairing } from './pairing'
import { reaches, secret, setUp, settled, toBound, toCode } from './setup.fixture'

const anotherKey = { secureElementKey: '04' + 'bb'.repeat(64) }
const unverified = { certificate: 'unverified', certificateKey: null } as const
const swaps: Readonly<Record<string, readonly [shown: Partial<DeviceInfo>, then: Partial<DeviceInfo>]>> = {
  'verified, then another key, unverified': [{}, { ...anotherKey, ...unverified }],
  'verified, then another key, verified': [{}, anotherKey],
  'verified, then unverified': [{}, unverified],
  'verified by another CA': [{}, { certificateKey: '04' + '1b'.repeat(64) }],
  'unverified, then verified': [unverified, { certificate: 'verified', certificateKey: '04' + '1a'.repeat(64) }],
  'unverified, then another key': [unverified, anotherKey],
  'unverified, then another key, verified': [
    unverified,
    { ...anotherKey, certificate: 'verified', certificateKey: '04' + '1a'.repeat(64) },
  ],
  'another SEID': [{}, { seid: '18000000000000000102030405060709' }],
  'another serial number': [{}, { serial: 'imKey01191200002' }],
}

/** The ways in which the SDK could replace a device: it refuses the other one, or it once did not and replaced info in silence. */
const ways: Readonly<Record<string, (device: FakeDevice, then: Partial<DeviceInfo>) => void>> = {
  refused: (device, then) => device.replace(then),
  silent: (device, then) => {
    device.info = { ...device.info, ...then }
  },
}

async function everySwap(attack: (shown: Partial<DeviceInfo>, swap: (device: FakeDevice) => void, name: string) => Promise<void>) {
  for (const [name, [shown, then]] of Object.entries(swaps)) {
    for (const [way, replace] of Object.entries(ways)) await attack(shown, (device) => replace(device, then), `${name}, ${way}`)
  }
}

const prepare = (shown: Partial<DeviceInfo>) => (device: FakeDevice) => {
  device.info = { ...device.info, ...shown }
}

const changed = { name: 'error', code: 'device-changed' }

test('a device that is replaced while the code is entered gets no code', async () => {
  await everySwap(async (shown, swap, name) => {
    const { pairing, device } = await toCode({}, prepare(shown))
    swap(device)
    await pairing.submit(secret, true)
    assert.deepEqual(pairing.state, changed, name)
    assert.deepEqual(device.proved, [], name)
    // A code that is submitted once more, from boxes that are still there, gets nowhere.
    await pairing.submit(secret, true)
    assert.deepEqual(device.proved, [], name)
  })
})

test('a device that is replaced between two wrong codes gets no code', async () => {
  await everySwap(async (shown, swap, name) => {
    const { pairing, device } = await toCode({}, prepare(shown))
    device.onBind = async () => Promise.reject(fail('wrong-code'))
    await pairing.submit(secret, true)
    assert.equal(pairing.state.name, 'wrong')
    const key = device.info.secureElementKey
    swap(device)
    await pairing.submit(secret, true)
    assert.deepEqual([pairing.state, device.proved], [changed, [key]], name)
  })
})

test('a device that is replaced before its code is shown, or shown again, ends the pairing', async () => {
  for (const again of [false, true]) {
    await everySwap(async (shown, swap, name) => {
      if (name.endsWith('silent')) return // the SDK compares it
      const { pairing, device } = again ? await toCode({}, prepare(shown)) : setUp()
      if (!again) {
        prepare(shown)(device)
        await pairing.connect()
        if (device.info.certificate === 'unverified') await pairing.goOn()
      }
      swap(device)
      await (again ? pairing.showAgain() : pairing.goOn())
      assert.deepEqual([pairing.state, device.proved], [changed, []], name)
    })
  }
})

test('a check that was stopped does not go on with another device', async () => {
  const { pairing, device } = await toCode()
  const gate = new Gate()
  device.onBind = () => gate.promise
  const binding = pairing.submit(secret, true)
  const cancelling = pairing.cancel()
  device.replace(anotherKey)
  gate.break(fail('aborted'))
  await Promise.all([binding, cancelling])
  assert.deepEqual(pairing.state, changed)
  assert.equal(device.proved.length, 1)
})

test('a bound device that is replaced reveals nothing and forgets nothing', async () => {
  const actions: Readonly<Record<string, (pairing: Pairing) => Promise<void>>> = {
    'reveal': (pairing) => pairing.viewCode(),
    'forget': async (pairing) => {
      await pairing.forget()
      await pairing.forgetNow()
    },
  }
  for (const [what, act] of Object.entries(actions)) {
    await everySwap(async (shown, swap, name) => {
      const { pairing, device, revealed } = await toBound({}, prepare(shown))
      swap(device)
      await act(pairing)
      assert.deepEqual([pairing.state, revealed], [changed, []], `${what}: ${name}`)
      assert.ok(!device.asked.includes('forget') && !device.asked.some((call) => call.startsWith('reveal')), name)
    })
  }
})

test('a binding is forgotten for the device of the question, whatever came meanwhile', async () => {
  await everySwap(async (shown, swap, name) => {
    const { pairing, device } = await toBound({}, prepare(shown))
    await pairing.forget()
    swap(device)
    await pairing.forgetNow()
    assert.deepEqual(pairing.state, changed, name)
    assert.ok(!device.asked.includes('forget'), name)
  })
})

test('a bound page that loses its device to another one says so', async () => {
  const { pairing, device } = await toBound()
  device.replace(anotherKey)
  await pairing.showOnDevice()
  assert.deepEqual(pairing.state, changed)
})

test('after the error the device is shown as what it is now, with its warnings', async () => {
  const { pairing, device } = await toCode()
  device.replace({ ...anotherKey, ...unverified })
  await pairing.submit(secret, true)
  assert.deepEqual(pairing.state, changed)
  await pairing.retry()
  assert.ok(pairing.state.name === 'recognised' && pairing.state.device.certificate === 'unverified')
  await pairing.goOn()
  assert.equal(pairing.state.name, 'unverified')
  await pairing.goOn()
  await pairing.submit(secret, true)
  assert.deepEqual([pairing.state.name, device.proved], ['bound', [anotherKey.secureElementKey]])
})

test('a device that was plugged in again has to be the one that was seen', async () => {
  for (const [name, [shown, then]] of Object.entries(swaps)) {
    const { pairing, device, imkey } = await toCode({}, prepare(shown))
    device.unplug()
    await reaches(pairing, (state) => state.name === 'error')
    const other = new FakeDevice()
    other.info = { ...device.info, ...then }
    imkey.permitted = [other]
    imkey.dispatchEvent(new CustomEvent('connect', { detail: { device: other } }))
    await reaches(pairing, (state) => state.name === 'error' && state.code === 'device-changed')
    assert.ok(!other.asked.includes('status'), name)
    await pairing.retry()
    assert.equal(pairing.state.name, 'recognised', name)
  }
})

test('a device that another tab used meanwhile has to be the one that was seen', async () => {
  const { pairing, device } = await toCode()
  device.unplug({ code: 'in-use-elsewhere', reason: 'taken-over' })
  await reaches(pairing, (state) => state.name === 'taken-over')
  device.info = { ...device.info, ...anotherKey, ...unverified }
  await pairing.takeOver()
  assert.deepEqual([pairing.state, device.proved], [changed, []])
})

test('a locked device has to be the one that was seen when it is unlocked', async () => {
  const { pairing, device } = await toCode({
    wait: async (ms, signal) => {
      if (ms > 1000) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
      else {
        await settled()
        device.info = { ...device.info, ...anotherKey, ...unverified }
      }
      signal.throwIfAborted()
    },
  })
  device.onBind = async () => Promise.reject(fail('locked'))
  await pairing.submit(secret, true)
  assert.deepEqual(pairing.state, changed)
})

test('the device of a damaged record is forgotten as the user saw it', async () => {
  const { pairing, device } = setUp()
  device.statuses = [fail('record-corrupt')]
  await pairing.connect()
  await pairing.forget()
  device.info = { ...device.info, seid: '18000000000000000102030405060709' }
  await pairing.forgetNow()
  assert.deepEqual(pairing.state, changed)
  assert.ok(!device.asked.includes('forget'))
})

test('a given device, as in the dialog of a dApp, is held to what was seen', async () => {
  await everySwap(async (shown, swap, name) => {
    const device = new FakeDevice()
    prepare(shown)(device)
    const { pairing } = setUp({ given: device })
    await pairing.connect()
    while (pairing.state.name !== 'code') await pairing.goOn()
    swap(device)
    await pairing.submit(secret, true)
    assert.deepEqual([pairing.state, device.proved], [changed, []], name)
    await pairing.retry()
    assert.equal(pairing.state.name, 'recognised', name)
  })
})

test('another device of the user is no device that changed', async () => {
  const { pairing, device, imkey } = await toCode()
  device.unplug()
  await reaches(pairing, (state) => state.name === 'error')
  const second = new FakeDevice()
  second.info = { ...device.info, ...anotherKey, seid: '18000000000000000102030405060709', serial: 'imKey01191200002' }
  imkey.permitted = [second]
  imkey.known = [knownDevice()]
  await pairing.retry()
  assert.equal(pairing.state.name, 'recognised')
})
