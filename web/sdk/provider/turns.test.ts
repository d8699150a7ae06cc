import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Device } from '../types/imkey'
import { Turns } from './turns'

const name = 'imkey-connect usb idle S1'

/** Locks are the Web Locks of an origin, as far as the idle lock needs them. An answer comes later, as from a browser. */
class Locks {
  readonly held = new Map<string, { over: (stolen?: Error) => void }>()

  async request(name: string, { ifAvailable = false, steal = false }, granted: (lock: object | null) => unknown): Promise<unknown> {
    await later()
    const holder = this.held.get(name)
    if (holder && ifAvailable) return granted(null)
    if (steal) holder?.over(new Error('stolen'))
    return new Promise((resolve, reject) => {
      const lock = {
        over: (stolen?: Error) => {
          if (this.held.get(name) === lock) this.held.delete(name)
          if (stolen) reject(stolen)
        },
      }
      this.held.set(name, lock)
      Promise.resolve(granted({})).then((result) => (lock.over(), resolve(result)), reject)
    })
  }

  /** steal is what the module of a page does that opens the device. It returns what the page does when it has the device or gave up. */
  async steal(): Promise<() => void> {
    let release = () => {}
    void this.request(name, { steal: true }, () => new Promise<void>((resolve) => (release = resolve))).catch(() => {})
    await later()
    return () => release()
  }
}

/** later resolves in a later turn of the event loop. */
function later(): Promise<void> {
  const { port1, port2 } = new MessageChannel()
  return new Promise((resolve) => {
    port1.onmessage = () => (port1.close(), resolve())
    port2.postMessage(null)
  })
}

/** page is a page with a device. log has what happened to the device. The page replaces the one of the test before. */
function page(t: Parameters<Parameters<typeof test>[1]>[0], hold = 10_000, locks = new Locks()) {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const events = new EventTarget()
  const document = { visibilityState: 'visible' }
  const globals = {
    navigator: { locks },
    document,
    addEventListener: (...args: Parameters<EventTarget['addEventListener']>) => events.addEventListener(...args),
  }
  for (const [key, value] of Object.entries(globals)) Object.defineProperty(globalThis, key, { configurable: true, value })
  const log: string[] = []
  const turns = new Turns(hold)
  const make = (serialNumber: string) => {
    const device = {
      serialNumber,
      opened: false,
      open: async () => {
        log.push(`open ${serialNumber}`)
        device.opened = true
      },
      close: async () => {
        if (device.opened) log.push(`close ${serialNumber}`)
        device.opened = false
      },
    }
    return device
  }
  const device = make('S1')
  const job = (what = 'job', on = device, work: () => unknown = () => {}) =>
    turns.use(undefined, async () => {
      await turns.take(on as unknown as Device, undefined)
      log.push(what)
      await work()
    })
  return { events, document, locks, log, device, make, job, tick: (ms: number) => t.mock.timers.tick(ms) }
}

test('a device stays open for the next job, and is closed when the time is over', async (t) => {
  const { job, log, tick, locks } = page(t)
  await job()
  await later()
  tick(9_999)
  await job()
  await later()
  assert.ok(locks.held.has(name))
  tick(9_999)
  assert.deepEqual(log, ['open S1', 'job', 'job'])
  tick(1)
  await later()
  assert.deepEqual(log.splice(0), ['open S1', 'job', 'job', 'close S1'])
  assert.equal(locks.held.size, 0)
  await job()
  assert.deepEqual(log, ['open S1', 'job'])
})

test('a page that opens the device gets it at once', async (t) => {
  const { job, log, locks } = page(t)
  await job()
  await later()
  const release = await locks.steal()
  await later()
  assert.deepEqual(log, ['open S1', 'job', 'close S1'])
  release()
})

test('a page that asks during a job gets the device after it, and not before the jobs that wait', async (t) => {
  const { job, log, locks } = page(t)
  await job('first')
  await later()
  let release = () => {}
  await Promise.all([
    job('second', undefined, async () => {
      release = await locks.steal()
      await later()
    }),
    job('third', undefined, later),
  ])
  await later()
  await later()
  assert.deepEqual(log, ['open S1', 'first', 'second', 'third', 'close S1'])
  release()
})

test('a page that gave up before a job ends does not take the device from the next one', async (t) => {
  const { job, log, locks } = page(t)
  await job('first', undefined, async () => {
    ;(await locks.steal())()
    await later()
  })
  for (let n = 0; n < 3; n++) await later()
  await job('second')
  assert.deepEqual(log, ['open S1', 'first', 'second'])
})

test('jobs that need no time do not take the lock from each other', async (t) => {
  const { job, log } = page(t)
  for (let n = 0; n < 5; n++) await job(String(n))
  for (let n = 0; n < 20; n++) await later()
  assert.deepEqual(log, ['open S1', '0', '1', '2', '3', '4'])
})

for (const event of ['pagehide', 'freeze', 'visibilitychange']) {
  test(`the device is released on ${event}`, async (t) => {
    const { job, log, locks, events } = page(t)
    await job()
    await later()
    events.dispatchEvent(new Event(event))
    await later()
    assert.deepEqual(log, ['open S1', 'job', 'close S1'])
    assert.equal(locks.held.size, 0)
    await job('after')
    await later()
    assert.deepEqual(log.slice(3), ['open S1', 'after'])
  })
}

test('a device is not held by a hidden page', async (t) => {
  const hidden = page(t)
  hidden.document.visibilityState = 'hidden'
  await hidden.job()
  assert.deepEqual(hidden.log, ['open S1', 'job', 'close S1'])
})

for (const [why, hold, locks] of [
  ['without a time', 0, new Locks()],
  ['without Web Locks', 10_000, null],
] as const) {
  test(`a device is not held ${why}`, async (t) => {
    const { job, log } = page(t, hold, locks as never)
    await job()
    assert.deepEqual(log, ['open S1', 'job', 'close S1'])
  })
}

test('another device is opened after the one that is held was released', async (t) => {
  const { job, log, make, tick } = page(t)
  await job()
  await later()
  await job('other', make('S2'))
  await later()
  tick(10_000)
  assert.deepEqual(log, ['open S1', 'job', 'close S1', 'open S2', 'other', 'close S2'])
})

test('a device that was closed meanwhile is opened again', async (t) => {
  const { job, log, device, locks } = page(t)
  await job()
  await later()
  await device.close()
  await job()
  assert.deepEqual(log, ['open S1', 'job', 'close S1', 'open S1', 'job'])
  await job('broken', undefined, () => device.close())
  await later()
  assert.equal(locks.held.size, 0, 'a device that is not open is not held')
})
