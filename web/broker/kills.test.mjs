// Every operation is stopped in each of its phases in every way. Each request is settled once, with a code that depends on nothing but phase
// and way, the device is idle, no permission is lost, and the next request works.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { A, A0, B, broker, HASH, held, MemoryStorage, SIGNATURE, TO, until } from './testdata/world.js'

const payment = { from: A0, to: TO, value: '0x5' }

/** The operations, with their phases in order: up to `screen` before the user's yes, then during the work, and after the answer. */
const operations = {
  connect: ['queued', 'screen', 'device', 'after'],
  pair: ['queued', 'screen', 'pairing', 'device', 'after'],
  message: ['queued', 'screen', 'device', 'after'],
  transaction: ['queued', 'node', 'screen', 'device', 'sending', 'after'],
}
const requests = {
  connect: ['eth_requestAccounts', []],
  pair: ['eth_requestAccounts', []],
  message: ['personal_sign', ['0x6869', A0]],
  transaction: ['eth_sendTransaction', [payment]],
}
const results = { connect: [A0], pair: [A0], message: SIGNATURE, transaction: HASH }
/**
 * The ways to stop an operation: the site's port is closed, the site cancels, the user rejects or cancels, the screen is closed, the broker is
 * closed, its process ends without a word, the device is unplugged. A broker that was closed or ended is started anew.
 */
const kills = ['port', 'cancel', 'user', 'screen', 'closed', 'stopped', 'unplugged']

/** expected gives the answer to a request: a result, the number and code of an error, or undefined where no one is left to answer. */
function expected(operation, phase, kill) {
  const done = results[operation]
  if (phase === 'after') return done
  const agreed = phase === 'pairing' || phase === 'device' || phase === 'sending'
  switch (kill) {
    case 'port':
    case 'stopped':
      return undefined
    case 'cancel':
      return phase === 'sending' ? done : 'aborted'
    case 'user':
    case 'screen':
      return phase === 'screen' || phase === 'pairing' || phase === 'device' ? 'user-rejected' : done
    case 'closed':
      return agreed ? 'aborted' : 'user-rejected'
    case 'unplugged':
      if (phase === 'sending') return done
      // The user agrees, and then has no device to choose.
      return agreed || operation === 'message' || operation === 'transaction' ? 'device-disconnected' : 'no-device'
  }
}

/** stopping starts an operation, stops it in a phase, and checks what is left. */
async function stopping(t, operation, phase, kill) {
  const told = `${operation}, ${phase}, ${kill}`
  const storage = new MemoryStorage()
  const it = await broker(t, { storage })
  const { device, usb, user, node, shown, broker: made } = it
  const [a, b] = [it.site(A), it.site(B)]
  await b.ask('eth_requestAccounts')
  if (operation === 'message' || operation === 'transaction') await a.ask('eth_requestAccounts')
  await until(() => device.open === 0)

  const reached = held()
  const go = held()
  const interrupted = held() // what the device does when it is unplugged, or opened anew
  let waited = false
  /** waits makes a function wait once, in the phase that is tested. */
  const waits =
    (own, run) =>
    async (...args) => {
      if (phase !== own || waited) return run(...args)
      waited = true
      const { signal } = Object(args.at(-1))
      const aborted = new Promise((_, reject) => signal?.addEventListener('abort', () => reject(device.error('aborted'))))
      reached.release()
      await Promise.race([go.promise, aborted, interrupted.promise.then((code) => Promise.reject(device.error(code)))])
      return run(...args)
    }
  const asks = device.core
  device.core = (...args) => {
    if (waited) interrupted.release('aborted')
    return asks.call(device, ...args)
  }
  if (operation === 'pair') device.status = 'unbound'
  const work = { connect: 'getAccount', pair: 'getAccount', message: 'signMessage', transaction: 'signTransaction' }[operation]
  const answers = {
    getAccount: ({ path }) => ({ address: A0, path, publicKey: '0x04' }),
    signMessage: () => ({ signature: SIGNATURE, address: A0, warnings: [] }),
    signTransaction: ({ from }) => ({ raw: `0x02${'cd'.repeat(40)}`, hash: HASH, from, blind: false, warnings: [] }),
  }
  device[work] = waits('device', answers[work])
  node.answers.eth_estimateGas = waits('node', () => '0x5208')
  node.answers.eth_sendRawTransaction = waits('sending', () => HASH)
  const closes = held()
  const says = waits('screen', () => ({ yes: true }))
  user.answer = ({ origin }, signal) =>
    origin === B && phase === 'queued' ? go.promise.then(() => ({ yes: true })) : Promise.race([says(signal, { signal }), closes.promise])
  user.pair = async ({ reason, signal }) => {
    if (reason === 'choose') return
    await Promise.race([waits('pairing', () => {})({ signal }), closes.promise])
    device.status = 'bound'
  }

  const other = phase === 'queued' ? b.begin('personal_sign', ['0x6f74686572', A0]) : undefined
  if (other) await until(() => shown.showing === 1)
  const request = a.begin(...requests[operation])
  if (phase === 'after') await request.answer
  else if (phase === 'queued') await until(() => made.state.queue.length === 2)
  else await reached.promise

  const review = shown.asked.findLast(({ origin }) => origin === A)
  const rejection = () =>
    Promise.reject(
      Object.assign(new Error('the window was closed'), phase === 'pairing' && { rpc: { code: 4001, reason: { code: 'user-rejected' } } }),
    )
  let now = it
  switch (kill) {
    case 'port':
      a.gone()
      break
    case 'cancel':
      request.cancel()
      break
    case 'user':
    case 'screen':
      if (phase === 'screen' || phase === 'pairing') closes.release(kill === 'user' && phase === 'screen' ? { yes: false } : rejection())
      else if (review) made.cancel(review.id)
      break
    case 'closed':
      made.close('window-closed')
      break
    case 'stopped': {
      // The process is gone: it writes nothing any more, and the device goes on asking.
      const left = new MemoryStorage()
      left.values = storage.values
      storage.values = new Map(left.values)
      for (const each of [a, b]) each.gone = () => {}
      now = await broker(t, { storage: left, devices: [device] })
      break
    }
    case 'unplugged':
      usb.devices = []
      device.open = 0
      interrupted.release('device-disconnected')
      usb.plug('disconnect', device)
      if (phase === 'screen' || phase === 'node' || phase === 'queued') go.release()
      break
  }
  const wanted = expected(operation, phase, kill)
  if (kill !== 'closed' && kill !== 'stopped' && wanted === results[operation]) go.release()
  if (wanted !== undefined) {
    const answer = await request.answer.catch(({ data }) => data.code)
    assert.deepEqual(answer, wanted, told)
  }
  if (kill !== 'stopped') go.release()
  if (other && kill !== 'stopped') {
    const answer = await other.answer.catch(({ data }) => data.code)
    assert.deepEqual(answer, kill === 'closed' ? 'user-rejected' : kill === 'unplugged' ? 'device-disconnected' : SIGNATURE, told)
  }
  if (kill === 'closed') now = await broker(t, { storage, devices: [device] })
  const idle = Date.now() + 2000
  await until(() => (device.inUse === 0 && device.open === 0 && now.broker.state.queue.length === 0) || Date.now() > idle)
  assert.deepEqual([device.inUse, device.open, now.broker.state.queue], [0, 0, []], `${told}: the device is idle within two seconds`)
  if (kill !== 'stopped') for (const [id, count] of [...a.counts, ...b.counts]) assert.equal(count, 1, `${told}: request ${id}`)
  if (kill === 'port' && phase !== 'after') assert.equal(a.counts.get(request.id), undefined, told)

  // The next request works, also on the other site.
  usb.devices = [device]
  if (kill === 'unplugged') usb.plug('connect', device)
  now.user.answer = () => ({ yes: true })
  now.user.pair = async ({ reason }) => void (reason === 'bind' && (device.status = 'bound'))
  const same = now === it && kill !== 'port' ? [a, b] : [now.site(A), now === it ? b : now.site(B)]
  const permissions = now.broker.state.permissions.map(({ origin }) => origin)
  assert.ok(permissions.includes(B), `${told}: the permission of the other site stays`)
  if (operation !== 'connect' && operation !== 'pair') assert.ok(permissions.includes(A), `${told}: the permission stays`)
  for (const each of same) {
    assert.deepEqual(await each.ask('eth_requestAccounts'), [A0], told)
    assert.equal(await each.ask('personal_sign', ['0x6e657874', A0]), SIGNATURE, told)
    assert.equal(await each.ask('eth_sendTransaction', [{ ...payment, value: '0x9' }]), HASH, told)
  }
  assert.equal(device.status, 'bound', told)
  assert.equal(device.most, 1, `${told}: one at a time`)
  await until(() => device.open === 0)
}

const counts = {}
for (const [operation, phases] of Object.entries(operations)) {
  for (const phase of phases) {
    test(`${operation} is stopped in every way: ${phase}`, async (t) => {
      for (const kill of kills) {
        await stopping(t, operation, phase, kill)
        counts[`${operation}, ${phase}`] = (counts[`${operation}, ${phase}`] ?? 0) + 1
      }
    })
  }
}

test('each operation was stopped in each phase', (t) => {
  const all = Object.entries(operations).flatMap(([operation, phases]) => phases.map((phase) => [`${operation}, ${phase}`, kills.length]))
  assert.deepEqual(counts, Object.fromEntries(all))
  t.diagnostic(`${all.length * kills.length} stops: ${JSON.stringify(counts)}, each by ${kills.join(', ')}`)
})
