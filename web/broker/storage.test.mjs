// What a broker does with storage that fails for a while, as the extension's does when its service worker is stopped.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A, A0, A1, B, broker, held, MemoryStorage, SIGNATURE, until } from './testdata/world.js'

const pause = (time) => new Promise((resolve) => setTimeout(resolve, time))

const stopped = () => Promise.reject(new Error('the service worker does not answer'))

/** failing makes a method of a storage fail a number of times, or as long as its field failing is true. */
function failing(storage, method, times = Infinity) {
  const own = storage[method].bind(storage)
  const it = { failing: true, calls: 0 }
  storage[method] = (...args) => {
    it.calls++
    return it.failing && it.calls <= times ? stopped() : own(...args)
  }
  return it
}

/** used gives a storage with the permission of A and what it had signed, as an earlier broker left it. */
async function used(t) {
  const storage = new MemoryStorage()
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  await a.ask('personal_sign', ['hi', A0])
  await until(() => [...storage.values.keys()].filter((key) => /^(permission|activity) /.test(key)).length === 2)
  made.close('test')
  return storage
}

test('a broker that cannot read at its start reads again, and asks for no permission anew', async (t) => {
  const storage = await used(t)
  failing(storage, 'list', 3)
  const { broker: made, site, shown } = await broker(t, { storage })
  const a = site(A)
  assert.deepEqual((await a.welcome()).accounts, [A0])
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
  assert.deepEqual(
    shown.asked.map(({ what }) => what.kind),
    ['message'],
  )
  assert.equal(made.state.activity.length, 2)
})

test('a broker that has not read yet tells neither its shell nor a site that there is nothing', async (t) => {
  const storage = await used(t)
  const list = failing(storage, 'list')
  const { broker: made, site, shown } = await broker(t, { storage })
  const a = site(A)
  const asked = a.ask('eth_accounts')
  await until(() => list.calls >= 3)
  assert.deepEqual(shown.states, [])
  assert.deepEqual(a.got, [])
  list.failing = false
  assert.deepEqual(await asked, [A0])
  await made.ready
  assert.equal(shown.states.at(-1).permissions.length, 1)
  assert.ok(shown.states.every(({ permissions }) => permissions.length === 1))
})

test('what waits for storage can be cancelled, and is given up after ten seconds', async (t) => {
  const storage = await used(t)
  const list = failing(storage, 'list')
  const { broker: made, site, shown } = await broker(t, { storage })
  const a = site(A)
  const { answer, cancel } = a.begin('eth_requestAccounts')
  cancel()
  await assert.rejects(answer, (error) => error.data?.code === 'aborted')

  t.mock.timers.enable({ apis: ['setTimeout'] })
  const given = a.ask('eth_requestAccounts')
  const settled = given.then(
    () => assert.fail('it was answered'),
    (error) => error,
  )
  t.mock.timers.tick(9_999)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(a.counts.get(2), undefined)
  t.mock.timers.tick(1)
  const error = await settled
  assert.equal(error.data?.code, 'storage', error.message)
  assert.equal(error.data.retryable, true)
  assert.deepEqual(shown.asked, [])
  t.mock.timers.reset()

  list.failing = false
  const late = await broker(t, { storage }) // as after another start
  assert.deepEqual(await late.site(A).ask('eth_requestAccounts'), [A0])
  assert.deepEqual(late.shown.asked, [])
  made.close('test')
})

test('a revocation is written again until it is stored', async (t) => {
  const storage = await used(t)
  const { broker: made } = await broker(t, { storage })
  await made.ready
  failing(storage, 'delete', 3)
  await made.revoke(A)
  assert.deepEqual(made.state.permissions, [])
  await until(() => !storage.values.has(`permission ${A}`))
  const { site } = await broker(t, { storage })
  assert.deepEqual(await site(A).ask('eth_accounts'), [])
})

test('a permission that was given or taken is stored before anyone is told', async (t) => {
  const storage = new MemoryStorage()
  const { broker: made, site } = await broker(t, { storage })
  const [put, remove] = [storage.put, storage.delete]
  storage.put = async (...args) => (await pause(20), put.apply(storage, args))
  storage.delete = async (...args) => (await pause(20), remove.apply(storage, args))
  const a = site(A)
  const kept = () => storage.values.has(`permission ${A}`)
  await a.ask('eth_requestAccounts')
  assert(kept())
  await a.ask('wallet_revokePermissions', [{ eth_accounts: {} }])
  assert(!kept())
  await a.ask('eth_requestAccounts')
  await made.revoke(A)
  assert(!kept())

  // Storage that hangs holds up no one for long.
  storage.put = storage.delete = () => new Promise(() => {})
  const begun = Date.now()
  await a.ask('eth_requestAccounts')
  await made.revoke(A)
  assert(Date.now() - begun < 4000)
  assert.deepEqual(made.state.permissions, [])
})

test('an earlier write of a permission cannot come after its revocation', async (t) => {
  const storage = new MemoryStorage()
  const { broker: made, site } = await broker(t, { storage })
  const slow = held()
  const { put } = storage
  let begun = 0
  let written = 0
  storage.put = async (key, value) => {
    if (!key.startsWith('permission')) return put.call(storage, key, value)
    begun++
    await slow.promise // the worker was stopped before it carried this out, and is asked again
    await put.call(storage, key, value)
    written++
    for (const watcher of storage.watchers) watcher(key)
  }
  const a = site(A)
  await a.ask('eth_requestAccounts')
  await until(() => begun === 1)
  await made.revoke(A)
  await new Promise((resolve) => setImmediate(resolve))
  slow.release()
  await until(() => written === 1)
  await until(() => !storage.values.has(`permission ${A}`))
  await new Promise((resolve) => setTimeout(resolve, 5))
  assert.deepEqual(made.state.permissions, [])
  assert.deepEqual(await a.ask('eth_accounts'), [])
})

test('a revocation in another window counts when it can be read', async (t) => {
  const storage = await used(t)
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  const list = failing(storage, 'list')
  storage.values.delete(`permission ${A}`)
  for (const watcher of storage.watchers) watcher(`permission ${A}`)
  await until(() => list.calls >= 2)
  assert.equal(made.state.permissions.length, 1)
  list.failing = false
  await until(() => made.state.permissions.length === 0)
  assert.deepEqual(await a.ask('eth_accounts'), [])
})

test('activity that cannot be read yet is erased when it can', async (t) => {
  const storage = await used(t)
  storage.values.set('activity 0000000000000001 1', { at: 'damaged' })
  const { broker: made } = await broker(t, { storage })
  await made.ready
  failing(storage, 'list', 3)
  await made.erase()
  await until(() => ![...storage.values.keys()].some((key) => key.startsWith('activity')))
})

test('a device that an earlier broker left asking is cancelled also if that cannot be read at once', async (t) => {
  const storage = new MemoryStorage()
  storage.values.set('asking of another broker', Date.now())
  failing(storage, 'list', 5)
  const { device } = await broker(t, { storage })
  await until(() => device.opened > 0)
  await until(() => !storage.values.has('asking of another broker'))
})

test('the time of use is noted when it can be read', async (t) => {
  const storage = await used(t)
  const key = `permission ${A}`
  storage.values.set(key, { ...storage.values.get(key), used: 1 })
  const { broker: made, site } = await broker(t, { storage })
  await made.ready
  failing(storage, 'list', 2)
  await site(A).welcome()
  await until(() => storage.values.get(key).used > 1)
  await site(B).welcome()
})

test('a write that is tried again undoes no revocation of another window', async (t) => {
  const storage = await used(t)
  const key = `permission ${A}`
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  assert.deepEqual(await a.ask('eth_accounts'), [A0])
  const put = failing(storage, 'replace') // it is full
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  await until(() => put.calls > 0)
  storage.values.delete(key)
  for (const watcher of storage.watchers) watcher(key)
  put.failing = false
  await until(() => made.state.permissions.length === 0)
  assert.equal(storage.values.has(key), false)
  assert.deepEqual(await a.ask('eth_accounts'), [])
})

test('a permission that storage does not take holds as long as the broker', async (t) => {
  const storage = new MemoryStorage()
  const put = failing(storage, 'put') // it is full
  const { broker: made, site } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  const before = put.calls
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  await until(() => put.calls > before)
  assert.equal(made.state.permissions.length, 1)
  assert.equal(await a.ask('personal_sign', ['hi', A0]), SIGNATURE)
  put.failing = false
  await until(() => storage.values.get(`permission ${A}`)?.chainId === 5)
})

/**
 * windows gives the storage of several windows of one connector, which have processes of their own. What one writes, the others hear of later.
 * between is awaited before each operation, with its name and arguments.
 */
function windows(count, between = async () => {}) {
  const values = new Map()
  const all = Array.from({ length: count }, () => new MemoryStorage())
  for (const [n, storage] of all.entries()) {
    storage.values = values
    for (const method of ['list', 'put', 'replace', 'delete']) {
      const own = storage[method]?.bind(storage)
      storage[method] = async (...args) => {
        await between(n, method, ...args)
        const result = await own(...args)
        if (method !== 'list') {
          setImmediate(() => all.filter((one) => one !== storage).forEach(({ watchers }) => watchers.forEach((told) => told(args[0]))))
        }
        return result
      }
    }
  }
  return all
}

test('a change that is just being written undoes no revocation of another window', async (t) => {
  const change = held()
  let holds = false
  const writes = []
  const [one, other] = windows(2, (n, method, key) => {
    if (n === 0 && method !== 'list') writes.push(method)
    return holds && n === 0 && method !== 'list' && key === `permission ${A}` ? change.promise : undefined
  })
  const [first, second] = [await broker(t, { storage: one }), await broker(t, { storage: other })]
  const a = first.site(A)
  await a.ask('eth_requestAccounts')
  await until(() => second.broker.state.permissions.length === 1)
  holds = true
  const before = writes.length
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  await until(() => writes.length > before) // it is on its way
  await second.broker.revoke(A)
  change.release()
  await until(() => first.broker.state.permissions.length === 0)
  assert.deepEqual(
    [...one.values.keys()].filter((key) => key.startsWith('permission')),
    [],
  )
  assert.deepEqual(second.broker.state.permissions, [])
  assert.deepEqual(await a.ask('eth_accounts'), [])
})

test('what the user gives is stored, although another window noted a use just then', async (t) => {
  const storage = new MemoryStorage()
  const key = `permission ${A}`
  let uses = false
  for (const method of ['put', 'replace']) {
    const own = storage[method].bind(storage)
    storage[method] = async (at, ...values) => {
      // The other window has written, and this one has not heard of it.
      if (uses && at === key) {
        uses = false
        storage.values.set(key, { ...storage.values.get(key), used: storage.values.get(key).used + 5000 })
      }
      return own(at, ...values)
    }
  }
  const { site, user } = await broker(t, { storage })
  const a = site(A)
  await a.ask('eth_requestAccounts')
  user.answer = () => ({ yes: true, accounts: [0, 1] })
  uses = true
  await a.ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  await until(() => !uses)
  assert.deepEqual(await a.ask('eth_accounts'), [A0, A1])
  assert.deepEqual(
    storage.values.get(key).accounts.map(({ address }) => address),
    [A0, A1],
  )
})

test('a change of a permission does not take back what another window gave meanwhile', async (t) => {
  const change = held()
  let holds = false
  const writes = []
  const [one, other] = windows(2, (n, method) => {
    if (n === 0 && method !== 'list') writes.push(method)
    return holds && n === 0 && method !== 'list' ? change.promise : undefined
  })
  const [first, second] = [await broker(t, { storage: one }), await broker(t, { storage: other })]
  const a = first.site(A)
  await a.ask('eth_requestAccounts')
  await until(() => second.broker.state.permissions.length === 1)
  holds = true
  const before = writes.length
  await a.ask('wallet_switchEthereumChain', [{ chainId: '0x5' }])
  await until(() => writes.length > before)
  second.user.answer = () => ({ yes: true, accounts: [0, 1] })
  await second.site(A).ask('wallet_requestPermissions', [{ eth_accounts: {} }])
  change.release()
  await until(() => first.broker.state.permissions[0]?.accounts.length === 2)
  assert.equal(one.values.get(`permission ${A}`).accounts.length, 2)
  assert.equal((await a.ask('eth_accounts')).length, 2)
})

test('whatever two windows do at once, both end with what is stored', async (t) => {
  const [one, other] = windows(2, () => (Math.random() < 0.5 ? new Promise((go) => setImmediate(go)) : undefined))
  const both = [await broker(t, { storage: one }), await broker(t, { storage: other })]
  const sites = both.map(({ site }) => [A, B].map((origin) => site(origin)))
  let granted = 0
  for (let round = 0; round < 100; round++) {
    const asked = both.flatMap(({ broker: made }, n) =>
      sites[n].map((site, i) => {
        const kind = Math.floor(Math.random() * 4)
        if (kind === 0) return made.revoke([A, B][i])
        if (kind === 1) return site.ask('wallet_switchEthereumChain', [{ chainId: round % 2 ? '0x1' : '0x5' }])
        if (kind === 2) return site.ask('wallet_revokePermissions', [{ eth_accounts: {} }])
        return site.ask('eth_requestAccounts').then(() => granted++)
      }),
    )
    await Promise.allSettled(asked)
  }
  assert.ok(granted > 10)
  const stored = () => [...one.values].filter(([key]) => key.startsWith('permission')).map(([, value]) => [value.origin, value.chainId])
  const known = ({ broker: made }) => made.state.permissions.map(({ origin, chainId }) => [origin, chainId])
  const sorted = (list) => JSON.stringify(list.sort())
  await until(() => both.every((one) => sorted(known(one)) === sorted(stored())))
  await pause(20)
  assert.ok(both.every((one) => sorted(known(one)) === sorted(stored())))
  for (const [n, { broker: made }] of both.entries()) {
    for (const [i, site] of sites[n].entries()) {
      const allowed = made.state.permissions.some(({ origin }) => origin === [A, B][i])
      assert.equal((await site.ask('eth_accounts')).length, allowed ? 1 : 0)
    }
  }
})
