import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errorCodes, fail, FakeDevice, Gate } from '../model/sdk.fake'
import { passing, reaches, secret, settled, setUp, toBound, toCode } from './setup.fixture'
import type { State } from './state'

test('the page goes on by itself when a device is unlocked or leaves its menu', async () => {
  const { pairing, device, states } = setUp()
  device.statuses = [fail('locked'), fail('locked'), fail('in-menu'), 'unbound']
  await pairing.connect()
  assert.deepEqual(
    states.map((state) => (state.name === 'waiting' ? state.reason : state.name)),
    ['choosing', 'opening', 'locked', 'in-menu', 'recognised'], // locked is shown once
  )
})

for (const reason of ['locked', 'in-menu'] as const) {
  const waiting = [{ name: 'waiting', reason }, { name: 'recognised' }] as const
  const after = (states: State[]) => states.slice(-2).map(({ name, ...rest }) => (name === 'waiting' ? { name, ...rest } : { name }))

  test(`${reason} before the code is shown: the page goes on by itself`, async () => {
    const { pairing, device, states } = setUp()
    await pairing.connect()
    device.onShow = async () => Promise.reject(fail(reason))
    device.statuses = [fail(reason), 'unbound']
    await pairing.goOn()
    assert.deepEqual(after(states), waiting)
  })

  test(`${reason} when the code is to be shown again: the page goes on by itself`, async () => {
    const { pairing, device, states } = await toCode()
    device.onShow = async () => Promise.reject(fail(reason))
    await pairing.showAgain()
    assert.deepEqual(after(states), waiting)
  })

  test(`${reason} when the check ended or was stopped: the page goes on by itself`, async () => {
    const { pairing, device, states } = await toCode()
    device.onBind = async () => Promise.reject(fail(reason))
    await pairing.submit(secret, true)
    assert.deepEqual(after(states), waiting)

    await pairing.goOn()
    const gate = new Gate()
    device.onBind = () => gate.promise
    const submitted = pairing.submit(secret, true)
    device.statuses = [fail(reason), 'unbound']
    const cancelled = pairing.cancel()
    gate.break(fail('aborted'))
    await Promise.all([submitted, cancelled])
    assert.deepEqual(after(states), waiting)
  })

  test(`${reason} before the device is open: it is opened when it can be`, async () => {
    const { pairing, device, states } = setUp()
    const answers = [fail(reason), fail(reason)]
    device.onOpen = async () => {
      const answer = answers.shift()
      if (answer) throw answer
    }
    await pairing.connect()
    assert.deepEqual(after(states), waiting)
  })

  test(`${reason} when the code is looked up: the page goes on by itself`, async () => {
    const { pairing, device, names } = await toBound()
    device.onReveal = async () => Promise.reject(fail(reason))
    await pairing.viewCode()
    assert.deepEqual(names().slice(-2), ['waiting', 'bound'])
  })
}

test('leaving ends the waiting for a device', async () => {
  const gate = new Gate()
  const { pairing, device } = setUp({
    wait: async (ms, signal) => {
      if (ms > 1000) return passing(ms, signal)
      await gate.promise
      signal.throwIfAborted()
    },
  })
  device.statuses = [fail('locked')]
  const connecting = pairing.connect()
  await settled()
  assert.equal(pairing.state.name, 'waiting')
  await pairing.leave()
  gate.open()
  await connecting
  assert.deepEqual(pairing.state, { name: 'start' })
  assert.equal(device.asked.at(-1), 'close')
})

test('leaving shows the start at once and closes the device in the background', async () => {
  const { pairing, device, states } = await toCode()
  const closed = new Gate()
  device.onClose = () => closed.promise
  let left = false
  const leaving = pairing.leave().then(() => {
    left = true
  })
  assert.deepEqual(pairing.state, { name: 'start' })
  await settled()
  assert.equal(left, false)

  // The next connection waits for it, and the page shows that.
  const connecting = pairing.connect()
  await settled()
  assert.deepEqual([states.at(-1)?.name, device.asked.at(-1)], ['opening', 'close'])
  closed.open()
  await Promise.all([leaving, connecting])
  assert.equal(pairing.state.name, 'recognised')
})

test('leaving ends even if closing the device does not', async () => {
  const { pairing, device } = await toCode({ wait: async (_, signal) => signal.throwIfAborted() })
  device.onClose = () => new Promise(() => undefined)
  await pairing.leave()
  assert.deepEqual(pairing.state, { name: 'start' })
  await pairing.end()
})

test('an unplugged device is shown at once, and the page goes on when it is plugged in again', async () => {
  const { pairing, device, imkey } = await toCode()
  const gate = new Gate()
  device.onBind = () => gate.promise
  const binding = pairing.submit(secret, true)
  device.unplug()
  assert.deepEqual(pairing.state, { name: 'checking', source: 'screen', attention: false })
  gate.break(fail('protocol'))
  await binding
  assert.deepEqual(pairing.state, { name: 'error', code: 'device-disconnected' })

  imkey.permitted = [device]
  device.statuses = ['bound']
  const shown = new Gate()
  const original = device.onOpen
  device.onOpen = async () => {
    await original(false)
    shown.open()
  }
  imkey.dispatchEvent(new Event('connect'))
  await shown.promise
  await reaches(pairing, ({ name }) => name === 'bound')
  assert.equal(pairing.state.name, 'bound')
})

test('unplugging a bound device is no error', async () => {
  const { pairing, device } = await toCode()
  await pairing.submit(secret, true)
  device.unplug()
  assert.ok(pairing.state.name === 'bound' && !pairing.state.plugged)
})

test('every error is shown with its code, and the device is released', async () => {
  for (const code of errorCodes) {
    if (code === 'locked' || code === 'in-menu') continue // the page waits in these cases
    const { pairing, device } = setUp()
    device.onOpen = async () => Promise.reject(fail(code))
    await pairing.connect()
    assert.deepEqual(pairing.state, code === 'unsupported' ? { name: 'unsupported', reason: 'no-webusb' } : { name: 'error', code })
    assert.equal(device.asked.at(-1), 'close')
  }
})

test('an error is shown with its reason, for which there may be other sentences', async () => {
  const { pairing, device } = setUp()
  device.onOpen = async () => Promise.reject(fail('internal', { data: { reason: 'download' } }))
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'internal', reason: 'download' })
})

test('an error without a code of the SDK is internal', async () => {
  const { pairing, imkey } = setUp()
  imkey.chosen = async () => Promise.reject(new TypeError('x is not a function'))
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'internal' })
})

test('a page that may not use USB says why', () => {
  const first = (reason: string) => setUp({ support: { supported: false, reason } }).pairing.state
  assert.deepEqual(first('no-webusb'), { name: 'unsupported', reason: 'no-webusb' })
  assert.deepEqual(first('insecure-context'), { name: 'unsupported', reason: 'insecure-context' })
  assert.deepEqual(first('permissions-policy'), { name: 'error', code: 'permission-denied', reason: 'permissions-policy' })
})

test('a given device is used without a chooser and stays open whatever happens', async () => {
  const device = new FakeDevice()
  const { pairing, imkey, names } = setUp({ given: device })
  assert.deepEqual(pairing.state, { name: 'opening' })
  await pairing.connect()
  await pairing.goOn()
  await pairing.submit(secret, false)
  assert.deepEqual(names(), ['opening', 'recognised', 'code', 'checking', 'bound'])
  await pairing.end()
  assert.equal(imkey.requests, 0)
  assert.ok(!device.asked.includes('close'))
})

test('after a failure, the given device is tried again', async () => {
  const device = new FakeDevice()
  const { pairing } = setUp({ given: device })
  device.statuses = [fail('protocol'), 'unbound']
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'protocol' })
  await pairing.retry()
  assert.equal(pairing.state.name, 'recognised')
  assert.deepEqual(device.asked, ['open', 'status', 'open', 'status'])
})

test('a given device that was unplugged is found again by its serial number, and no other device is used', async () => {
  const device = new FakeDevice()
  const { pairing, imkey } = setUp({ given: device })
  await pairing.connect()
  device.unplug()
  await new Promise((resolve) => setTimeout(resolve))
  assert.deepEqual(pairing.state, { name: 'error', code: 'device-disconnected' })
  const other = new FakeDevice()
  other.serialNumber = 'imKey01191200002'
  imkey.permitted = [other]
  await pairing.retry()
  assert.deepEqual(pairing.state, { name: 'error', code: 'device-disconnected' })
  const again = new FakeDevice()
  imkey.permitted = [other, again]
  await pairing.retry()
  assert.equal(pairing.state.name, 'recognised')
  assert.deepEqual([other.asked, again.asked, imkey.requests], [[], ['open', 'status'], 0])
})

test('the end of a visit waits until the device is idle', async () => {
  const device = new FakeDevice()
  const { pairing } = setUp({ given: device })
  await pairing.connect()
  await pairing.goOn()
  const idle = new Gate()
  device.onBind = async (_, { signal }) => {
    await idle.promise
    signal!.throwIfAborted()
  }
  const submitted = pairing.submit(secret, false)
  let ended = false
  const end = pairing.end().then(() => {
    ended = true
  })
  await new Promise((resolve) => setTimeout(resolve)) // everything that can run, runs before it
  assert.equal(ended, false)
  idle.open()
  await Promise.all([submitted, end])
  assert.ok(ended)
})
