import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail, Gate, knownDevice } from '../model/sdk.fake'
import { secret, settled, toCode } from './setup.fixture'

test('a device that cannot be verified is bound only through its warning', async () => {
  const { device, names, pairing } = await toCode({}, (d) => {
    d.info = { ...d.info, certificate: 'unverified' }
  })
  assert.deepEqual(names(), ['choosing', 'opening', 'recognised', 'unverified', 'code'])
  await pairing.submit(secret, false)
  assert.equal(device.asked.at(-1), 'bind accept=true keep=false')
})

test('a device that is bound elsewhere gets a warning before the code, and is not asked to show it', async () => {
  const { device, names, pairing } = await toCode({}, (d) => {
    d.statuses = ['bound-elsewhere']
  })
  assert.deepEqual(names(), ['choosing', 'opening', 'recognised', 'elsewhere', 'code'])
  assert.deepEqual(pairing.state, { name: 'code', source: 'paper' })
  assert.ok(!device.asked.includes('show'))
})

test('both warnings come one after the other', async () => {
  const { names } = await toCode({}, (d) => {
    d.statuses = ['bound-elsewhere']
    d.info = { ...d.info, certificate: 'unverified' }
  })
  assert.deepEqual(names(), ['choosing', 'opening', 'recognised', 'unverified', 'elsewhere', 'code'])
})

test('a wrong code on a real device shows no number of tries', async () => {
  const { pairing, device } = await toCode()
  device.onBind = async () => Promise.reject(fail('wrong-code'))
  await pairing.submit(secret, true)
  assert.deepEqual(pairing.state, { name: 'wrong', source: 'screen', triesLeft: null })
})

test('after a wrong code the simulated device is asked how many tries are left', async () => {
  const tries: (number | null)[] = [7, 3, null]
  const simulator = { serial: 'imKey01191200001', cas: [], tries: async () => tries.shift()!, usb: async () => ({}) }
  const { pairing, device } = await toCode({ simulator })
  device.onBind = async () => Promise.reject(fail('wrong-code'))
  for (const triesLeft of [7, 3, null]) {
    await pairing.submit(secret, true)
    assert.deepEqual(pairing.state, { name: 'wrong', source: 'screen', triesLeft })
  }
})

test('a real device beside a simulator is not taken for the simulated one', async () => {
  const simulator = { serial: 'imKey00000000002', cas: [], tries: async () => 2, usb: async () => ({}) }
  const { pairing, device } = await toCode({ simulator })
  device.onBind = async () => Promise.reject(fail('wrong-code'))
  await pairing.submit(secret, true)
  assert.deepEqual(pairing.state, { name: 'wrong', source: 'screen', triesLeft: null })
})

test('the page shows that the device waits for the user', async () => {
  const { pairing, device, states } = await toCode()
  device.onBind = async () => {
    device.interaction('waiting')
    device.interaction('done')
  }
  await pairing.submit(secret, true)
  assert.deepEqual(
    states.slice(-4).map((state) => (state.name === 'checking' ? state.attention : state.name)),
    [false, true, false, 'bound'],
  )
  device.interaction('waiting')
  assert.equal(pairing.state.name, 'bound')
})

test('cancel stops the check, waits for its end, and asks how it ended', async () => {
  const { pairing, device } = await toCode()
  const gate = new Gate()
  let signal: AbortSignal | undefined
  device.onBind = (_, options) => {
    signal = options.signal
    return gate.promise
  }
  const binding = pairing.submit(secret, true)
  const cancelling = pairing.cancel()
  assert.equal(signal?.aborted, true)
  assert.deepEqual(pairing.state, { name: 'stopping', source: 'screen' })
  await settled()
  assert.equal(device.asked.filter((call) => call === 'status').length, 1)
  gate.break(fail('aborted'))
  await Promise.all([binding, cancelling])
  assert.equal(device.asked.filter((call) => call === 'status').length, 2)
  assert.deepEqual(pairing.state, { name: 'code', source: 'screen', notice: 'aborted' })
})

test('a binding that was done before it was cancelled is shown as done', async () => {
  const { pairing, device } = await toCode()
  const gate = new Gate()
  device.onBind = () => gate.promise
  const binding = pairing.submit(secret, false)
  const cancelling = pairing.cancel()
  device.statuses = ['bound']
  gate.open()
  await Promise.all([binding, cancelling])
  assert.ok(pairing.state.name === 'bound' && pairing.state.fresh && !pairing.state.kept)
})

test('a check that does not end times out', async () => {
  const { pairing, device } = await toCode({ wait: async (_, signal) => signal.throwIfAborted() })
  device.onBind = () => new Promise(() => undefined)
  void pairing.submit(secret, true)
  await pairing.cancel()
  assert.deepEqual(pairing.state, { name: 'error', code: 'timeout' })
})

test('the page says what the record keeps, whatever the user chose', async () => {
  for (const [codeKept, keep] of [
    [false, true],
    [true, false],
  ] as const) {
    const { pairing, imkey, device } = await toCode()
    imkey.known = [knownDevice({ seid: device.info.seid, codeKept })] // it was bound already
    await pairing.submit(secret, keep)
    assert.ok(pairing.state.name === 'bound' && pairing.state.kept === codeKept)
  }
})
