import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Environment } from './environment'
import { Pairing } from './pairing'
import type { State } from './state'
import { errorCodes, fail, FakeDevice, Gate, knownDevice } from '../model/sdk.fake'
import { passing, reaches, settled, setUp } from './setup.fixture'

const secret = 'ABCDEFGH'

async function toBound(environment: Partial<Environment> = {}, prepare: (device: FakeDevice) => void = () => undefined) {
  const all = setUp(environment)
  prepare(all.device)
  all.device.statuses = ['bound']
  await all.pairing.connect()
  assert.equal(all.pairing.state.name, 'bound')
  return all
}

async function toCode(environment: Partial<Environment> = {}, prepare: (device: FakeDevice) => void = () => undefined) {
  const all = setUp(environment)
  prepare(all.device)
  await all.pairing.connect()
  while (all.pairing.state.name !== 'code') {
    const before = all.pairing.state
    await all.pairing.goOn()
    assert.notEqual(all.pairing.state, before)
  }
  return all
}

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

test('a device that cannot be verified is bound only through its warning', async () => {
  const { device, names, pairing } = await toCode({}, (d) => {
    d.info = { ...d.info, certificate: 'unverified' }
  })
  assert.deepEqual(names(), ['choosing', 'opening', 'recognised', 'unverified', 'code'])
  await pairing.submit(secret, false)
  assert.equal(device.asked.at(-1), 'bind accept=true keep=false')
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

test('the page says what the record keeps, whatever the user chose', async () => {
  for (const [codeKept, keep] of [[false, true], [true, false]] as const) {
    const { pairing, imkey, device } = await toCode()
    imkey.known = [knownDevice({ seid: device.info.seid, codeKept })] // it was bound already
    await pairing.submit(secret, keep)
    assert.ok(pairing.state.name === 'bound' && pairing.state.kept === codeKept)
  }
})

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
  assert.deepEqual(states.slice(-3).map((state) => state.name === 'bound' && state.manage), ['asking', 'revealed', 'hidden'])
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
    assert.deepEqual(
      pairing.state,
      code === 'unsupported' ? { name: 'unsupported', reason: 'no-webusb' } : { name: 'error', code },
    )
    assert.equal(device.asked.at(-1), 'close')
  }
})

test('an error without a code of the SDK is internal', async () => {
  const { pairing, imkey } = setUp()
  imkey.chosen = async () => Promise.reject(new TypeError('x is not a function'))
  await pairing.connect()
  assert.deepEqual(pairing.state, { name: 'error', code: 'internal' })
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

test('a page that may not use USB says why', () => {
  const first = (reason: string) => setUp({ support: { supported: false, reason } }).pairing.state
  assert.deepEqual(first('no-webusb'), { name: 'unsupported', reason: 'no-webusb' })
  assert.deepEqual(first('insecure-context'), { name: 'unsupported', reason: 'insecure-context' })
  assert.deepEqual(first('permissions-policy'), { name: 'error', code: 'permission-denied' })
})

test('no state contains the code or the SEID, and neither does the report', async () => {
  const { pairing, device, states, report } = await toCode()
  device.onBind = async () => Promise.reject(fail('wrong-code', { statusWord: 0x9000 }))
  await pairing.submit(secret, true)
  device.onBind = async () => undefined
  await pairing.submit(secret, true)
  assert.equal(pairing.state.name, 'bound')
  assert.ok(!JSON.stringify(states).includes(secret))
  const text = report.text()
  assert.ok(!text.includes(secret))
  assert.ok(!text.includes('imKey01191200001'))
  assert.match(text, /…0001/)
  assert.match(text, /03:04:05\.678 failed: wrong-code \(9000\)/)
  assert.match(text, /03:04:05\.678 bound now/)
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
