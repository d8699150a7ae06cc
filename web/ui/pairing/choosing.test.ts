import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail, FakeDevice, Gate, knownDevice } from '../model/sdk.fake'
import { reaches, settled, setUp } from './setup.fixture'
import type { State } from './state'

function two() {
  const all = setUp()
  const other = new FakeDevice()
  other.serialNumber = 'imKey01191200002'
  other.info = { ...other.info, seid: 'OTHER', serial: 'imKey01191200002' }
  all.imkey.permitted = [all.device, other]
  all.imkey.known = [knownDevice({ name: 'Savings' })]
  return { ...all, other }
}

const listed = (state: State) => state.name === 'several' && state.choices.length

test('the user picks one of several devices, and none is opened before', async () => {
  const { pairing, device, other, imkey } = two()
  await pairing.connect()
  assert.deepEqual(pairing.state, {
    name: 'several',
    choices: [
      { serial: 'imKey01191200001', called: 'Savings', known: true },
      { serial: 'imKey01191200002', called: null, known: false },
    ],
  })
  assert.deepEqual([device.asked, other.asked, imkey.requests], [[], [], 0])
  await pairing.pick(2)
  assert.equal(pairing.state.name, 'several')
  await pairing.pick(1)
  assert.ok(pairing.state.name === 'recognised' && pairing.state.device.serial === 'imKey01191200002')
  assert.deepEqual(device.asked, [])
})

test('where the records cannot be read, no device is said to be new', async () => {
  const { pairing, imkey } = two()
  imkey.onKnown = async () => Promise.reject(fail('storage'))
  await pairing.connect()
  assert.ok(pairing.state.name === 'several')
  assert.deepEqual(
    pairing.state.choices.map(({ known }) => known),
    [null, null],
  )
})

test('no device is named after a serial number that another one has, too', async () => {
  const unnamed = (serial: string) => ({ serial, called: null, known: false })
  const plugged = two()
  plugged.other.serialNumber = 'imKey01191200001'
  await plugged.pairing.connect()
  assert.ok(plugged.pairing.state.name === 'several')
  assert.deepEqual(plugged.pairing.state.choices, [unnamed('imKey01191200001'), unnamed('imKey01191200001')])
  const recorded = two()
  recorded.imkey.known = [knownDevice({ name: 'Savings' }), knownDevice({ name: 'Spendings', seid: 'OTHER' })]
  await recorded.pairing.connect()
  assert.ok(recorded.pairing.state.name === 'several')
  assert.deepEqual(recorded.pairing.state.choices, [unnamed('imKey01191200001'), unnamed('imKey01191200002')])
})

test('a device that is not listed is chosen in the browser’s chooser', async () => {
  const { pairing, imkey } = two()
  imkey.known = []
  await pairing.connect()
  await pairing.another()
  assert.equal(imkey.requests, 1)
  assert.equal(pairing.state.name, 'recognised')
})

test('the list follows what is plugged in and unplugged', async () => {
  const { pairing, device, other, imkey } = two()
  await pairing.connect()
  imkey.permitted = [other]
  imkey.dispatchEvent(new Event('disconnect'))
  await settled()
  assert.deepEqual(listed(pairing.state), 1)
  imkey.permitted = [device, other]
  imkey.dispatchEvent(new Event('connect'))
  await settled()
  assert.deepEqual(listed(pairing.state), 2)
  imkey.permitted = []
  imkey.dispatchEvent(new Event('disconnect'))
  await settled()
  assert.deepEqual(pairing.state, { name: 'start' })
})

test('of several devices, the page reconnects to the one that was bound', async () => {
  const { pairing, device, other, imkey } = two()
  other.statuses = ['bound']
  await pairing.connect()
  await pairing.pick(1)
  other.unplug()
  imkey.permitted = [device]
  imkey.dispatchEvent(new Event('disconnect'))
  imkey.permitted = [device, other]
  imkey.dispatchEvent(new Event('connect'))
  await reaches(pairing, (state) => state.name === 'bound' && state.plugged)
  assert.ok(pairing.state.name === 'bound' && pairing.state.device.serial === 'imKey01191200002')
  assert.deepEqual(device.asked, [])
})

test('if only other devices are plugged in, none of them is taken for the one that was bound', async () => {
  const { pairing, device, other, imkey } = two()
  const third = new FakeDevice()
  third.serialNumber = 'imKey01191200003'
  other.statuses = ['bound']
  await pairing.connect()
  await pairing.pick(1)
  other.unplug()
  imkey.permitted = [device, third]
  imkey.dispatchEvent(new Event('connect'))
  await settled()
  assert.ok(pairing.state.name === 'bound' && !pairing.state.plugged)
  assert.deepEqual([device.asked, third.asked], [[], []])
})

test('a known device is connected by its serial number, or chosen first if the page may not use it yet', async () => {
  const { pairing, device, other, imkey } = two()
  await pairing.connectTo('imKey01191200002')
  assert.ok(pairing.state.name === 'recognised' && pairing.state.device.serial === 'imKey01191200002')
  await pairing.leave()
  imkey.permitted = [device]
  imkey.chosen = async () => other
  device.asked.length = 0
  await pairing.connectTo('imKey01191200002')
  assert.ok(pairing.state.name === 'recognised' && pairing.state.device.serial === 'imKey01191200002')
  assert.deepEqual(device.asked, [], 'another one is not taken for it')
})

test('a known device that is simulated is connected without the chooser', async () => {
  const usb = {}
  const plug = async () => {
    imkey.permitted = [device]
    return usb
  }
  const { pairing, device, imkey, loads } = setUp({ simulator: { serial: 'imKey01191200001', cas: [], tries: async () => 10, usb: plug } })
  await pairing.connectTo('imKey01191200001')
  assert.equal(pairing.state.name, 'recognised')
  assert.deepEqual([loads.at(-1) === usb, imkey.requests], [true, 0])
})

test('a device in use in another tab is taken over only if the user says so', async () => {
  const { pairing, device, imkey } = setUp()
  imkey.permitted = [device]
  device.onOpen = async (takeOver) => {
    if (!takeOver) throw fail('in-use-elsewhere', { data: { holder: 'tab' } })
  }
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'in-use', mute: false })
  await pairing.takeOver()
  assert.equal(pairing.state.name, 'recognised')
  assert.deepEqual(device.asked, ['open', 'close', 'take over', 'status'])
  await pairing.takeOver() // there is nothing left to take over
  assert.deepEqual(device.asked.length, 4)
})

test('a tab that does not release the device is shown as mute', async () => {
  const { pairing, device } = setUp()
  device.onOpen = async (takeOver) => {
    throw fail('in-use-elsewhere', { data: { holder: 'tab', ...(takeOver && { reason: 'no-answer' }) } })
  }
  await pairing.connect()
  await pairing.takeOver()
  assert.deepEqual(pairing.state, { name: 'in-use', mute: true })
})

test('a device that another program holds cannot be taken over', async () => {
  const { pairing, device } = setUp()
  device.onOpen = async () => Promise.reject(fail('in-use-elsewhere', { data: { holder: 'program' } }))
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'in-use-elsewhere' })
  await pairing.takeOver()
  assert.deepEqual(pairing.state, { name: 'error', code: 'in-use-elsewhere' })
})

test('a tab that lost the device shows that, whatever it was doing, and can take it back', async () => {
  for (const status of ['unbound', 'bound'] as const) {
    const { pairing, device } = setUp()
    device.statuses = [status]
    await pairing.connect()
    if (status === 'unbound') {
      await pairing.goOn()
      device.onBind = () => new Gate().promise
      void pairing.submit('ABCDEFGH', true)
      // The SDK has ended the holder's calls before it reports the loss.
    }
    device.unplug({ reason: 'taken-over' })
    await settled()
    assert.deepEqual(pairing.state, { name: 'taken-over' })
    device.asked.length = 0
    if (status === 'unbound') continue
    await pairing.takeOver()
    assert.deepEqual(device.asked, ['take over', 'status'])
    assert.equal(pairing.state.name, 'bound')
  }
})

test('a permitted device that is bound needs neither chooser nor code', async () => {
  const { pairing, device, imkey, names } = setUp()
  imkey.permitted = [device]
  device.statuses = ['bound']
  await pairing.connect()
  assert.equal(imkey.requests, 0)
  assert.deepEqual(names(), ['opening', 'bound'])
  assert.ok(pairing.state.name === 'bound' && !pairing.state.fresh)
})

test('the simulated USB is loaded only on request', async () => {
  const usb = {}
  const { pairing, loads, names } = setUp({ simulator: { serial: 's', cas: [], tries: async () => 10, usb: async () => usb } })
  await pairing.connectSimulated()
  assert.deepEqual(loads, [usb])
  assert.deepEqual(names(), ['opening', 'recognised'])
})

test('a chooser that closes after the user left changes nothing', async () => {
  const { pairing, imkey, device } = setUp()
  const gate = new Gate<FakeDevice>()
  imkey.chosen = () => gate.promise
  const connecting = pairing.connect()
  await settled()
  assert.equal(pairing.state.name, 'choosing')
  await pairing.leave()
  gate.open(device)
  await connecting
  assert.deepEqual(pairing.state, { name: 'start' })
  assert.deepEqual(device.asked, [])
})
