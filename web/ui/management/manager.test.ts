import assert from 'node:assert/strict'
import { test } from 'node:test'
import { fileName, Manager } from './manager'
import type { ManageState } from './state'
import { strengthOf } from './strength'
import { Report } from '../model/report'
import type { KnownFacts } from '../model/facts'
import { fail, FakeDevice, FakeImKey, Gate, knownDevice } from '../model/sdk.fake'

const secret = 'correct horse battery staple'
const seid = '18000000000000000102030405060708'

async function setUp(...known: ReturnType<typeof knownDevice>[]) {
  const device = new FakeDevice()
  const imkey = new FakeImKey(device)
  imkey.known = known
  const states: (ManageState | null)[] = []
  const lists: (readonly KnownFacts[])[] = []
  const saved: { name: string; content: Uint8Array }[] = []
  const connected: string[] = []
  const closings: string[] = []
  const report = new Report(
    { version: '0', script: 'test.js', userAgent: 'test', languages: ['en'], webusb: true, secure: true, framed: false },
    () => new Date('2026-01-02T03:04:05.678Z'),
  )
  const manager = new Manager({
    imkey: async () => imkey,
    simulatorKeys: [],
    report,
    save: (name, content) => saved.push({ name, content }),
    connectTo: (serial) => connected.push(serial),
    show: (state, closing = 'returned') => {
      states.push(state)
      if (!state) closings.push(closing)
    },
    list: (devices) => lists.push(devices),
  })
  await manager.refresh()
  return { manager, imkey, device, states, lists, saved, connected, closings, report }
}

const exportedFile = [...new TextEncoder().encode('imkey-connect binding\n'), 1, 2, 3]

const file = (content = exportedFile, name = 'imkey-01191200001-binding.age') => ({
  name,
  size: content.length,
  arrayBuffer: async () => new Uint8Array(content).buffer,
})

const said = ({ state }: Manager) => (state?.name === 'known' ? [state.said, state.known.called] : [])

test('the list shows the known devices and which are plugged in, and opens none', async () => {
  const { manager, imkey, device, lists } = await setUp(
    knownDevice({ name: 'Savings' }),
    knownDevice({ seid: 'B', serial: 'imKey01191200002', state: 'unreadable' }),
  )
  imkey.permitted = [device]
  await manager.refresh()
  assert.deepEqual(
    lists.at(-1)!.map(({ called, plugged, record, codeKept }) => ({ called, plugged, record, codeKept })),
    [
      { called: 'Savings', plugged: true, record: 'bound', codeKept: true },
      { called: null, plugged: false, record: 'unreadable', codeKept: true },
    ],
  )
  assert.deepEqual(device.asked, [])
})

test('names that pass for others are shown as what they are', async () => {
  const { manager, lists } = await setUp(
    knownDevice({ name: 'Ledger' }),
    knownDevice({ seid: 'B', serial: 'imKey01191200002', name: 'L\u0435dger\u202e' }),
    knownDevice({ seid: 'C', serial: 'imKey01191200003', name: 'Savings' }),
  )
  await manager.refresh()
  assert.deepEqual(
    lists.at(-1)!.map(({ called, alike }) => [called, alike]),
    [
      ['Ledger', true],
      ['L\u0435dger (\u0435 U+0435)', true],
      ['Savings', false],
    ],
  )
})

test('the name of a file is shown without characters that do not print', async () => {
  const { manager } = await setUp()
  manager.importBinding()
  const content = new TextEncoder().encode('imkey-connect binding\n')
  await manager.take({ name: 'imkey-\u202eega.gpj', size: content.length, arrayBuffer: async () => content.buffer })
  assert.deepEqual(manager.state, { name: 'import-passphrase', file: 'imkey-ega.gpj' })
})

test('the list follows records and cables, and a store that fails breaks nothing else', async () => {
  const { imkey, device, lists, manager } = await setUp(knownDevice())
  const changed = async (type: string) => {
    const before = lists.length
    imkey.dispatchEvent(new Event(type))
    for (let turn = 0; lists.length === before && turn < 1000; turn++) await new Promise((resolve) => setTimeout(resolve))
    return lists.at(-1)!
  }
  imkey.permitted = [device]
  assert.equal((await changed('connect'))[0]!.plugged, true)
  imkey.permitted = []
  assert.equal((await changed('disconnect'))[0]!.plugged, false)
  imkey.known = []
  assert.equal((await changed('knownchange')).length, 0)
  imkey.onKnown = async () => Promise.reject(fail('storage'))
  const before = lists.length
  await manager.refresh()
  assert.deepEqual([lists.length, manager.state], [before, null])
})

test('a name is saved and removed, and the page returns to where it was asked for', async () => {
  const { manager, imkey, states, closings } = await setUp(knownDevice())
  manager.open(seid)
  await manager.rename()
  assert.equal(manager.state?.name, 'rename')
  await manager.saveName('  Savings ')
  assert.deepEqual(said(manager), ['renamed', 'Savings'])
  await manager.rename()
  await manager.saveName('   ')
  assert.deepEqual(said(manager), ['unnamed', null])
  assert.deepEqual(imkey.asked, ['rename Savings', 'rename null'])
  await manager.rename()
  await manager.saveName('My\tsavings\u202e\n') // as pasted: characters that no name may have become a space
  assert.deepEqual(said(manager), ['renamed', 'My savings'])

  manager.close()
  await manager.rename(knownDevice()) // from the state bound, to which it returns
  await manager.saveName('Spending')
  assert.deepEqual([manager.state, states.at(-1)], [null, null])
  await manager.rename(knownDevice())
  await manager.saveName('')
  await manager.rename(knownDevice())
  manager.back()
  assert.deepEqual(closings, ['returned', 'renamed', 'unnamed', 'returned']) // shown by the state bound
})

test('a device is forgotten only after a question', async () => {
  const { manager, imkey, closings } = await setUp(knownDevice())
  await manager.forgetNow()
  manager.open(seid)
  await manager.forgetNow()
  await manager.forget()
  manager.back()
  assert.equal(manager.state?.name, 'known')
  assert.deepEqual(imkey.asked, [])
  await manager.forget()
  await manager.forgetNow()
  assert.deepEqual([imkey.asked, closings], [['forget'], ['forgotten']])
})

test('a failure is shown with its code and a way back', async () => {
  const { manager, imkey } = await setUp(knownDevice())
  imkey.onForget = async () => Promise.reject(fail('storage-full'))
  manager.open(seid)
  await manager.forget()
  await manager.forgetNow()
  assert.deepEqual(manager.state, { name: 'trouble', code: 'storage-full' })
  manager.back()
  assert.equal(manager.state?.name, 'known')
})

test('a device that another tab has forgotten is shown as forgotten', async () => {
  for (const flow of ['look', 'rename', 'export'] as const) {
    const { manager, imkey, closings } = await setUp(knownDevice())
    const gone = async () => {
      imkey.known = []
      throw fail('invalid-argument', { data: { reason: 'unknown-device' } })
    }
    imkey.onRename = gone
    imkey.onExport = gone
    manager.open(seid)
    if (flow === 'look') {
      imkey.known = []
      await manager.refresh()
    } else if (flow === 'rename') {
      await manager.rename()
      await manager.saveName('Savings')
    } else {
      await manager.exportBinding()
      await manager.exportWith(secret)
    }
    assert.deepEqual([manager.state, closings], [null, ['forgotten']], flow)
  }
})

test('a binding is exported to a file whose name has no secret', async () => {
  const { manager, imkey, saved, states, report } = await setUp(knownDevice())
  const passphrases: string[] = []
  imkey.onExport = async (passphrase) => {
    passphrases.push(passphrase)
    return new Uint8Array([7])
  }
  manager.open(seid)
  await manager.exportBinding()
  await manager.exportWith(secret)
  assert.deepEqual(saved, [{ name: 'imkey-01191200001-binding.age', content: new Uint8Array([7]) }])
  assert.ok(manager.state?.name === 'exported')
  assert.deepEqual(passphrases, [secret])
  assert.ok(!JSON.stringify(states).includes(secret) && !report.text().includes(secret))
  assert.equal(fileName('../../etc/пароль 1'), 'imkey-etc1-binding.age')
})

test('an aborted export saves nothing', async () => {
  const { manager, imkey, saved } = await setUp(knownDevice())
  const gate = new Gate<Uint8Array>()
  let signal: AbortSignal | undefined
  imkey.onExport = (_, given) => {
    signal = given
    return gate.promise
  }
  manager.open(seid)
  await manager.exportBinding()
  const exporting = manager.exportWith(secret)
  await new Promise((resolve) => setTimeout(resolve))
  assert.ok(manager.state?.name === 'export' && manager.state.going)
  manager.back()
  assert.equal(signal?.aborted, true)
  gate.open(new Uint8Array([1]))
  await exporting
  assert.deepEqual([saved, manager.state?.name], [[], 'known'])
})

test('a file is imported with its passphrase, which is asked for again after a wrong one', async () => {
  const { manager, imkey, states, connected } = await setUp()
  const answers = [fail('wrong-passphrase')]
  imkey.onImport = async () => {
    const answer = answers.shift()
    if (answer) throw answer
    return knownDevice({ state: 'imported' })
  }
  const content = new Uint8Array(exportedFile)
  manager.importBinding()
  await manager.take({ ...file(), arrayBuffer: async () => content.buffer })
  assert.deepEqual(manager.state, { name: 'import-passphrase', file: 'imkey-01191200001-binding.age' })
  await manager.importWith('not it')
  assert.deepEqual(manager.state, { name: 'import-passphrase', file: 'imkey-01191200001-binding.age', problem: 'wrong-passphrase' })
  await manager.importWith(secret)
  assert.ok(manager.state?.name === 'known' && manager.state.said === 'imported' && manager.state.known.record === 'imported')
  assert.deepEqual(imkey.asked, ['import only=undefined replace=false', 'import only=undefined replace=false'])
  assert.ok(!JSON.stringify(states).includes(secret))
  assert.ok(content.every((byte) => byte === 0)) // the content of the file is erased
  manager.connect()
  assert.deepEqual([connected, manager.state], [['imKey01191200001'], null])
})

test('a binding is replaced only if the user says so', async () => {
  const { manager, imkey } = await setUp(knownDevice())
  imkey.onImport = async (_, replace) => {
    if (!replace) throw fail('record-exists', { data: { seid, serial: 'imKey01191200001' } })
    return knownDevice({ state: 'imported' })
  }
  manager.importBinding({ seid, serial: 'imKey01191200001' })
  await manager.take(file())
  await manager.importWith(secret)
  const exists = manager.state
  assert.ok(exists?.name === 'import-exists')
  assert.deepEqual([exists.known?.seid, exists.known?.serial, exists.known?.codeKept], [seid, 'imKey01191200001', true])
  manager.back()
  assert.equal(manager.state, null)
  await manager.replaceNow() // the question was answered, and the passphrase is gone
  assert.deepEqual(imkey.asked, [`import only=${seid} replace=false`])

  manager.importBinding()
  await manager.take(file())
  await manager.importWith(secret)
  await manager.replaceNow()
  assert.deepEqual(imkey.asked.slice(1), ['import only=undefined replace=false', 'import only=undefined replace=true'])
  assert.ok(manager.state?.name === 'known')
})

test('a file that cannot be imported is shown with the reason', async () => {
  for (const [error, problem] of [
    [fail('file-invalid', { data: { reason: 'not-a-binding' } }), 'not-a-binding'],
    [fail('file-invalid', { data: { reason: 'damaged' } }), 'damaged'],
    [fail('file-invalid', { data: { reason: 'version' } }), 'version'],
    [fail('file-invalid'), 'not-a-binding'],
    [fail('device-mismatch'), 'another-device'],
    [fail('device-mismatch', { data: { reason: 'secure-element' } }), 'another-element'],
  ] as const) {
    const { manager, imkey } = await setUp()
    imkey.onImport = async () => Promise.reject(error)
    manager.importBinding()
    await manager.take(file())
    await manager.importWith(secret)
    assert.deepEqual(manager.state, { name: 'import', problem })
  }
  const { manager, imkey } = await setUp()
  manager.importBinding()
  for (const content of [[], [1, 2, 3], [...exportedFile].reverse()]) {
    await manager.take(file(content)) // before a passphrase is typed
    assert.deepEqual(manager.state, { name: 'import', problem: 'not-a-binding' })
  }
  assert.deepEqual(manager.state, { name: 'import', problem: 'not-a-binding' })
  for (const [name, problem] of [
    ['holiday', 'not-a-binding'],
    ['imkey-01191200001-binding.age', 'damaged'],
  ] as const) {
    await manager.take({ ...file(), name, arrayBuffer: async () => Promise.reject(new DOMException('a folder', 'NotReadableError')) })
    assert.deepEqual(manager.state, { name: 'import', problem })
  }
  await manager.take({ ...file(), size: 1e9, arrayBuffer: async () => Promise.reject(new Error('a file this large is not read')) })
  assert.deepEqual([manager.state, imkey.asked], [{ name: 'import', problem: 'not-a-binding' }, []])
})

test('without the code, easier ways come first, and nothing is reset', async () => {
  const { manager, imkey, connected, device } = await setUp(
    knownDevice(),
    knownDevice({ seid: 'F', serial: 'imKey01191200002', state: 'former' }),
    knownDevice({ seid: 'I', serial: 'imKey01191200003', state: 'imported' }),
  )
  const step = () => (manager.state?.name === 'lost' ? manager.state.step : manager.state?.name)
  manager.open(seid)
  manager.lost()
  assert.equal(step(), 'first')
  const plugged = () => (manager.state?.name === 'lost' ? manager.state.known?.plugged : undefined)
  assert.equal(plugged(), false)
  imkey.permitted = [device]
  await manager.refresh()
  assert.deepEqual([step(), plugged()], ['first', true]) // the page asked the user to plug it in
  for (const next of ['why', 'at-hand', 'count', 'how'] as const) {
    manager.lostGoOn(next)
    assert.equal(step(), next)
  }
  manager.connect()
  assert.deepEqual([connected, device.asked, manager.state], [['imKey01191200001'], [], null])

  manager.open('F')
  manager.lost()
  assert.equal(step(), 'first') // it may have been reset, and then it shows a code: the page does not tell the user to reset it again
  manager.back()
  assert.equal(step(), 'known')
  manager.open('I')
  manager.lost()
  assert.equal(step(), 'first') // its file had the code, or the device shows it to the app that it is bound to
  manager.close()
  manager.lost({ seid: 'UNKNOWN', serial: 'imKey01191200003' }) // from a device that is bound elsewhere
  assert.equal(step(), 'why')
  manager.back()
  assert.equal(manager.state, null)
})

test('closing the page ends every flow', async () => {
  const { manager } = await setUp(knownDevice())
  manager.importBinding()
  const given = file()
  const content = new Uint8Array(await given.arrayBuffer())
  await manager.take({ ...given, arrayBuffer: async () => content.buffer })
  assert.ok(manager.state?.name === 'import-passphrase' && content.some((byte) => byte !== 0))
  manager.leave()
  assert.ok(content.every((byte) => byte === 0))
  await manager.importWith(secret)
  assert.equal(manager.state, null)
})

test('the strength of a passphrase', () => {
  for (const [passphrase, strength] of [
    ['', 'short'],
    ['abc1234', 'short'],
    ['abcdefgh', 'weak'],
    ['aaaaaaaaaaaaaaaaaaaaaaaa', 'weak'],
    ['abababababababababababab', 'weak'],
    ['password1', 'weak'],
    ['12345678901234567890', 'weak'],
    ['21.04.1987', 'weak'],
    ['correct horse', 'weak'],
    ['correct horse horse horse horse horse', 'weak'],
    ['correct horse battery', 'fair'],
    ['correct horse battery staple wagon', 'strong'],
    ['kT9#vq2!Lw8z', 'fair'],
    ['kT9#vq2!Lw8zP4mX', 'strong'],
  ] as const) {
    assert.equal(strengthOf(passphrase), strength, passphrase)
  }
})

test('a record that was replaced after the user saw it is not exported, renamed or forgotten', async () => {
  const another = { secureElementKey: '04' + 'bb'.repeat(64) }
  const flows: Readonly<Record<string, (manager: Manager) => Promise<void>>> = {
    export: async (manager) => {
      await manager.exportBinding()
      await manager.exportWith(secret)
    },
    rename: async (manager) => {
      await manager.rename()
      await manager.saveName('Savings')
    },
    forget: async (manager) => {
      await manager.forget()
      await manager.forgetNow()
    },
  }
  for (const [name, flow] of Object.entries(flows)) {
    const { manager, imkey, saved } = await setUp(knownDevice())
    manager.open(seid)
    imkey.known = [knownDevice(another)] // by another tab
    await flow(manager)
    assert.deepEqual(manager.state, { name: 'trouble', code: 'device-changed', reason: 'record' }, name)
    assert.deepEqual([imkey.asked.filter((call) => call !== 'export'), saved], [[], []], name)
    // Shown anew, it can be decided about anew.
    await manager.refresh()
    manager.open(seid)
    await flow(manager)
    assert.notEqual(manager.state?.name, 'trouble', name)
  }
})

test('the record of the open device has to be of the device that the pairing shows', async () => {
  for (const swapped of [{ secureElementKey: '04' + 'bb'.repeat(64) }, { serial: 'imKey01191200002' }]) {
    const { manager, imkey, saved } = await setUp(knownDevice(swapped))
    await manager.exportBinding(knownDevice())
    await manager.exportWith(secret)
    assert.deepEqual(manager.state, { name: 'trouble', code: 'device-changed', reason: 'record' })
    await manager.rename(knownDevice())
    await manager.saveName('Savings')
    assert.deepEqual([imkey.asked, saved], [[], []])
  }
})
