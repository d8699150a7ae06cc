import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fail } from '../model/sdk.fake'
import { secret, setUp, toCode } from './setup.fixture'

test('nothing is loaded and no device is opened before a press', () => {
  const { pairing, device, loads } = setUp()
  assert.deepEqual(pairing.state, { name: 'start' })
  assert.deepEqual([device.asked, loads], [[], []])
})

test('a first pairing, from the chooser to the binding', async () => {
  const { pairing, device, names } = setUp()
  await pairing.connect()
  await pairing.goOn()
  await pairing.submit(secret, true)
  assert.deepEqual(names(), ['choosing', 'opening', 'recognised', 'code', 'checking', 'bound'])
  assert.deepEqual(device.asked, ['open', 'status', 'show', 'bind accept=false keep=true'])
  const { state } = pairing
  assert.ok(state.name === 'bound' && state.fresh && state.kept && state.plugged)
})

test('no state contains the code, and the report contains neither code nor SEID', async () => {
  const { pairing, device, states, report } = await toCode()
  device.onBind = async () => Promise.reject(fail('wrong-code', { statusWord: 0x9000 }))
  await pairing.submit(secret, true)
  device.onBind = async () => undefined
  await pairing.submit(secret, true)
  assert.equal(pairing.state.name, 'bound')
  assert.ok(!JSON.stringify(states).includes(secret))
  const text = report.text()
  assert.ok(!text.includes(secret))
  assert.ok(!text.includes(device.info.seid))
  assert.ok(!text.includes(device.info.secureElementKey!))
  assert.ok(!text.includes('imKey01191200001'))
  assert.match(text, /…0001/)
  assert.match(text, /03:04:05\.678 failed: wrong-code \(9000\)/)
  assert.match(text, /03:04:05\.678 bound now/)
})
