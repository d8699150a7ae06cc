// Hostile nodes: scripts of lies, silence, other chains, orders and counts, against an honest dApp. Run by fuzz_test.go.

import { failure } from '../client/errors'
import { makeProvider } from '../provider/provider'
import { Clock } from './clock.mjs'
import { Random } from './random.mjs'
import { Report } from './report.mjs'
import { countedController, FakeChain, FakeDevice, FakeImKey, FakeNode } from './world.mjs'

const first = Number(process.env.FIRST)
const runs = Number(process.env.RUNS)
const clock = new Clock()
const accounts = ['0x6031564e7b2F5cc33737807b2E58DaFF870B590b', '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045']
const minute = 60_000

const report = new Report([
  'each request settles',
  'no two payments from one request',
  'a nonce is signed again only if the request names it',
  'no node speaks for the user',
  'the event names what a transaction replaces',
  'what is signed is what was asked for',
  'a node causes no fee above the limit',
  'only what was signed is sent, and to its chain',
  'the answer is the hash of what was signed',
  'an error after sending has the hash',
  'an error has a code and a message',
  'the device does one thing at a time and is closed',
  'no timer or listener is left',
])

async function script(seed) {
  const random = new Random(seed)
  clock.clear()
  const world = {
    random,
    clock,
    accounts,
    makeError: (code, detail) => failure(code, detail, { retryable: true }),
    deviceTrouble: random.of([0, 0, 0.02, 0.2]),
    rejects: random.of([0, 0, 0.1]),
  }
  const devices = Array.from({ length: random.chance(0.2) ? 2 : 1 }, () => new FakeDevice(world)) // one device, as each tab has it
  const [device] = devices
  const chains = [1, 137].slice(0, 1 + random.below(2)).map((id) => new FakeChain(id, random.of([0, 7, 100])))
  const nodes = new Map()
  const trouble = () => random.of([0, 0, 0.03, 0.15, 0.4, 0.8])
  const options = chains.map((chain) => ({
    chainId: chain.id,
    rpcUrls: Array.from({ length: 1 + random.below(3) }, (_, i) => {
      const host = `node${i}-${chain.id}.example`
      nodes.set(host, new FakeNode(world, chain, trouble()))
      return `https://${host}/`
    }),
  }))
  globalThis.fetch = (url, { body, signal }) => nodes.get(new URL(url).host).answer(body, signal)

  const calls = []
  const sent = new Set()
  world.onSent = (raw, node) => {
    sent.add(raw)
    const mine = device.signed.find((each) => each.raw === raw && each.delivered)
    report.check('only what was signed is sent, and to its chain', mine && Number(mine.shown.chainId) === node.chain.id, raw)
    const call = mine && calls.findLast((each) => each.tag === mine.shown.data)
    if (call) call.sent = mine.hash
  }
  const replacements = []
  world.onSigned = (entry) => {
    checkSigned(entry, calls, device, replacements)
    // Whose nonce another transaction has taken in truth: it can never be mined.
    const [main] = chains
    entry.dead = new Set(device.signed.filter(({ raw, shown }) => raw && (main.mined.get(Number(shown.nonce)) ?? raw) !== raw))
  }

  const usb = {}
  const providers = devices.map((device) => {
    const provider = makeProvider({ chains: options, usb, pairing: 'none' }, async () => new FakeImKey([device]), undefined)
    provider.on('interaction', ({ replaces, state }) => state === 'waiting' && replacements.push(replaces))
    return provider
  })
  const signals = []

  const settle = async (list) => {
    const over = () => list.every((call) => call.outcome)
    if (!(await clock.until(over, 60 * minute))) {
      for (const call of list.filter((each) => !each.outcome)) report.fault('each request settles', JSON.stringify(call.request))
      return false
    }
    return true
  }
  const ask = (request, more = {}) => {
    const counted = random.chance(0.3) ? countedController() : undefined
    if (counted) {
      signals.push(counted)
      if (random.chance(0.5)) void clock.wait(random.below(2 * minute)).then(() => counted.controller.abort())
    }
    const provider = random.of(providers)
    const call = {
      request,
      started: clock.now,
      before: device.signed.length,
      signed: [],
      chainId: provider.chainId ?? chains[0].id,
      ...more,
    }
    calls.push(call)
    report.count('requests')
    const settled = (outcome) => {
      call.outcome = outcome
      call.ended = device.signed.length
      checkOutcome(call, calls, device, sent)
    }
    provider.request({ ...request, ...(counted && { signal: counted.signal }) }).then(
      (value) => settled({ value }),
      (error) => settled({ error }),
    )
    return call
  }

  for (const provider of providers) {
    for (let tries = 0; tries < 5; tries++) {
      const call = { request: { method: 'eth_requestAccounts' } }
      provider.request(call.request).then(
        (value) => (call.outcome = { value }),
        (error) => (call.outcome = { error }),
      )
      if (!(await settle([call])) || call.outcome.value) break
    }
  }

  const steps = 1 + random.below(5)
  let live = true
  for (let step = 0; live && step < steps; step++) {
    const batch = []
    const width = random.chance(0.2) ? 2 + random.below(2) : 1
    for (let i = 0; i < width; i++) batch.push(ask(...draw(random, calls)))
    live = await settle(batch)
    if (random.chance(0.3)) await clock.pass(random.of([1000, minute, 9 * minute, 11 * minute, 25 * 60 * minute]))
    if (random.chance(0.2)) for (const chain of chains) chain.mine()
  }

  await clock.pass(5 * minute)
  checkPayments(calls, device)
  for (const { most, opened } of devices) {
    report.check('the device does one thing at a time and is closed', most <= 1 && !opened, `${most} at once, open: ${opened}`)
  }
  const listeners = devices.reduce((n, each) => n + each.listeners.length, 0) + signals.reduce((n, each) => n + each.left(), 0)
  report.check('no timer or listener is left', clock.left === 0 && listeners === 0, `${clock.left} timers, ${listeners} listeners`)
  report.count('signatures', device.signed.length)
  for (const node of nodes.values()) report.count('questions to nodes', node.asked)
}

/** draw makes the next request. An honest dApp repeats one that failed as it was. */
function draw(random, calls) {
  const earlier = calls.filter((each) => each.tag)
  const failed = earlier.filter((each) => each.outcome?.error)
  if (failed.length && random.chance(0.5)) {
    const { request, tag, tx } = random.of(failed)
    return [request, { tag, tx }]
  }
  if (random.chance(0.1)) return [{ method: random.of(['eth_blockNumber', 'eth_gasPrice', 'eth_chainId', 'eth_accounts']) }]
  if (random.chance(0.1)) return [{ method: 'personal_sign', params: ['0x48656c6c6f', accounts[0]] }]
  const tag = random.hex(8)
  const stuck = failed.findLast((each) => each.outcome.error.data?.nonce)
  const tx = { to: random.of([accounts[1].toLowerCase(), random.hex(20)]), value: `0x${random.below(1e6).toString(16)}`, data: tag }
  if (random.chance(0.3)) tx.from = accounts[0].toLowerCase()
  if (random.chance(0.3)) tx.gas = '0x5300'
  const fee = random.below(6)
  if (fee === 0) tx.gasPrice = '0x3b9aca00'
  if (fee === 1) tx.maxFeePerGas = '0x77359400'
  if (fee === 2) Object.assign(tx, { maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x3b9aca00' })
  if (fee === 3) tx.type = random.of(['0x0', '0x2'])
  if (fee === 3 && random.chance(0.3)) tx.accessList = []
  if (random.chance(0.1) && earlier.length) {
    const before = random.of(earlier).signed.at(-1) ?? random.of(calls).signed?.at(-1)
    if (before) tx.nonce = before.shown.nonce
  }
  if (stuck && random.chance(0.3)) tx.nonce = stuck.outcome.error.data.nonce
  const method = random.chance(0.06) ? 'eth_signTransaction' : 'eth_sendTransaction'
  return [
    { method, params: [tx] },
    { tag, tx, sends: method === 'eth_sendTransaction' },
  ]
}

function checkSigned(entry, calls, device, replacements) {
  if (entry.kind !== 'transaction') return
  const { shown } = entry
  const of = calls.filter((each) => each.tag === shown.data)
  const call = of.at(-1)
  if (!call) return report.fault('what is signed is what was asked for', JSON.stringify(shown))
  entry.tag = call.tag
  entry.at = clock.now
  entry.sends = call.request.method === 'eth_sendTransaction'
  const { tx } = call
  const asked = { from: accounts[0], accessList: undefined, ...tx }
  delete asked.accessList // an empty list is none
  const same = Object.entries(asked).every(([name, value]) => String(shown[name]).toLowerCase() === String(value).toLowerCase())
  const known = ['from', 'to', 'value', 'data', 'chainId', 'nonce', 'gas', 'gasPrice', 'maxFeePerGas', 'maxPriorityFeePerGas', 'type']
  const others = Object.keys(shown).filter((name) => !known.includes(name))
  const type = Number(shown.type)
  const shape =
    (type === 0) === (shown.gasPrice !== undefined) && (type === 2) === (shown.maxFeePerGas !== undefined) && (type === 0 || type === 2)
  const quantities = known.slice(4).every((name) => shown[name] === undefined || /^0x(0|[1-9a-f][0-9a-f]*)$/.test(shown[name]))
  report.check(
    'what is signed is what was asked for',
    same && others.length === 0 && shape && quantities && Number(shown.chainId) === 1,
    () => JSON.stringify({ tx, shown }),
  )
  const named = tx.gas !== undefined && (tx.gasPrice ?? tx.maxFeePerGas) !== undefined
  const fee = BigInt(shown.gas) * BigInt(shown.gasPrice ?? shown.maxFeePerGas)
  report.check('a node causes no fee above the limit', named || fee <= 10n ** 18n, `${fee}`)

  const before = device.signed.filter(
    (each) => each !== entry && each.delivered && each.kind === 'transaction' && each.shown.nonce === shown.nonce,
  )
  const last = before.at(-1)
  if (last && last.raw !== entry.raw) {
    report.check(
      'a nonce is signed again only if the request names it',
      tx.nonce !== undefined,
      () => `${shown.nonce} after ${clock.now - last.at} ms, for ${last.tag} and ${entry.tag}`,
    )
    report.count('replacements that a request named')
    report.check(
      'the event names what a transaction replaces',
      replacements.at(-1) === last.hash,
      () => `${replacements.at(-1)} for ${last.hash}`,
    )
  }
  for (const each of of) each.signed.push(entry)
}

function checkOutcome(call, calls, device, sent) {
  const { value, error } = call.outcome
  report.count(error ? 'rejected' : 'resolved')
  if (error) {
    const sound = error instanceof Error && Number.isInteger(error.code) && typeof error.message === 'string'
    report.check('an error has a code and a message', sound, String(error))
    report.check('no node speaks for the user', error.code !== 4001 || error.data?.code === 'user-rejected', () => error.message)
  }
  if (call.request.method !== 'eth_sendTransaction') return
  const mine = device.signed.filter((each) => each.tag === call.tag && each.delivered)
  if (error) {
    const alone = calls.every((each) => each === call || each.tag !== call.tag || each.ended <= call.before || each.before >= call.ended)
    // Those that were handed to a node during this call.
    const handed = device.signed.slice(call.before).filter((each) => each.tag === call.tag && each.delivered && sent.has(each.raw))
    if (handed.length && alone)
      report.check(
        'an error after sending has the hash',
        handed.some(({ hash }) => hash === error.data?.hash),
        () => `${error.message} ${JSON.stringify(error.data)}`,
      )
    if (/another transaction took its nonce/.test(error.message)) call.overtaken = error.data?.hash
    call.told = call.overtaken
  } else {
    report.check(
      'the answer is the hash of what was signed',
      mine.some(({ hash }) => hash === value),
      String(value),
    )
    call.told = value
  }
  call.toldAt = device.signed.length
}

/**
 * checkPayments checks the signatures for the same request. A second one with another nonce may be made only after the dApp was told what
 * became of the first: that it was sent, or that another transaction took its nonce.
 */
function checkPayments(calls, device) {
  const tags = new Set(calls.filter((each) => each.sends).map((each) => each.tag))
  for (const tag of tags) {
    const group = calls.filter((each) => each.tag === tag)
    const signed = device.signed.filter((each) => each.tag === tag && each.delivered)
    report.check(
      'no two payments from one request',
      signed.length <= group.length,
      () => `${signed.length} signatures for ${group.length} requests`,
    )
    signed.forEach((entry, i) => {
      for (const before of signed.slice(0, i)) {
        if (before.shown.nonce === entry.shown.nonce) continue
        // A day later the same request means a new payment, if the node says that the first was made.
        const aged = entry.at - before.at >= 24 * 60 * minute
        const told =
          aged || entry.dead.has(before) || group.some((each) => each.told === before.hash && each.toldAt <= device.signed.indexOf(entry))
        report.check('no two payments from one request', told, () =>
          JSON.stringify({
            nonces: [before.shown.nonce, entry.shown.nonce],
            outcomes: group.map(({ outcome }) => outcome?.error?.message ?? outcome?.value),
          }),
        )
      }
    })
  }
}

await report.run(script, first, runs, 'scripted nodes')
