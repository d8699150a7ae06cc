// A hostile page: requests of odd values, getters, proxies, cycles, pollution, aborts, at once and inside of each other, against an
// honest node. Run by fuzz_test.go.

import { isDeepStrictEqual } from 'node:util'
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
const own = accounts[0].toLowerCase()
const minute = 60_000

const report = new Report([
  'each request settles',
  'no two signatures from one request',
  'what is signed has the right form',
  'what is signed is what was asked for',
  'nothing is signed that no request asked for',
  'an error has a code and a message',
  'no error is internal',
  'the device does one thing at a time and is closed',
  'no timer or listener is left',
  'a valid request still works',
])

/** define defines a property, also where Object.prototype has a value of its own. */
const define = (object, name, descriptor) => Object.defineProperty(object, name, Object.assign(Object.create(null), descriptor))

/** Page draws what a hostile page gives. */
class Page {
  constructor(random) {
    this.random = random
    this.depth = 0
  }

  /** odd makes a value that fits nowhere. */
  odd() {
    const { random } = this
    if (this.depth > 3) return random.of([0, null, '0x', 'x'])
    this.depth++
    try {
      switch (random.below(30)) {
        case 0:
          return undefined
        case 1:
          return null
        case 2:
          return random.of([0, -1, 1.5, NaN, Infinity, 2 ** 53, -0])
        case 3:
          return random.of([0n, -1n, 2n ** 256n, 2n ** 64n])
        case 4:
          return random.of(['', '0x', '0X1', '0x0', 'latest', ' ', '\u202e', '\ud800', 'constructor', '__proto__', 'toString'])
        case 5:
          return '0x' + 'ab'.repeat(random.of([1, 20, 32, 65_536]))
        case 6:
          return 'x'.repeat(random.of([1, 1000, 200_000]))
        case 7:
          return Symbol('odd')
        case 8:
          return () => this.odd()
        case 9:
          return random.of([
            new Date(0),
            /x/,
            new Map(),
            new Error('odd'),
            new Uint8Array(3),
            Promise.resolve(1),
            new WeakMap(),
            Object(1n),
          ])
        case 10:
          return [this.odd(), this.odd()]
        case 11:
          return { [String(random.of(['a', 'length', 'then', '0']))]: this.odd() }
        case 12: {
          const cycle = {}
          cycle.self = cycle
          return cycle
        }
        case 13: {
          const cycle = []
          cycle.push(cycle)
          return cycle
        }
        case 14:
          return Object.create(null)
        case 15:
          return Object.create({ to: own, value: '0x1' })
        case 16:
          return {
            get value() {
              throw new Error('a getter of the page')
            },
          }
        case 17:
          return {
            toString: () => {
              throw new Error('toString of the page')
            },
          }
        case 18:
          return { toString: 1, valueOf: 1 }
        case 19:
          return { [Symbol.toPrimitive]: () => this.odd() }
        case 20: {
          const { proxy, revoke } = Proxy.revocable({}, {})
          revoke()
          return proxy
        }
        case 21:
          return new Proxy(
            {},
            {
              get: () => this.odd(),
              has: () => true,
              ownKeys: () => ['to', 'value'],
              getOwnPropertyDescriptor: () => Object.assign(Object.create(null), { configurable: true, enumerable: true, value: 1 }),
            },
          )
        case 22:
          return new Proxy([], { get: (target, key) => (key === 'length' ? 100_000 : target[key]) })
        case 23: {
          const deep = {}
          let at = deep
          for (let i = 0; i < 200; i++) at = at.a = {}
          return deep
        }
        case 24:
          return define({}, 'then', { enumerable: true, value: (resolve) => resolve(this.odd()) })
        case 25:
          return Object.freeze({ to: own })
        case 26:
          return Array(random.of([3, 100]))
        case 27:
          return { length: 2, 0: 'a', 1: own }
        case 28:
          return new (class {
            to = own
            value = '0x1'
          })()
        default:
          return random.of([true, false, own, accounts[1], '0x1'])
      }
    } finally {
      this.depth--
    }
  }

  /** trick hides a right value behind something that is hard to read. It may give another value when it is read again. */
  trick(object) {
    const { random } = this
    const names = Object.keys(object)
    if (names.length === 0) return object
    const name = random.of(names)
    switch (random.below(7)) {
      case 0: {
        const value = object[name]
        let reads = 0
        define(object, name, {
          enumerable: true,
          configurable: true,
          get: () => (reads++ === 0 ? value : random.chance(0.5) ? this.odd() : value),
        })
        return object
      }
      case 1:
        define(object, name, {
          enumerable: true,
          get: () => {
            throw new Error('a getter of the page')
          },
        })
        return object
      case 2:
        return new Proxy(object, {})
      case 3:
        return Object.assign(Object.create(null), object)
      case 4:
        return Object.create(object)
      case 5:
        object[name] = this.odd()
        return object
      default:
        object[random.of(['extra', '__proto__x', 'feeCurrency', 'constructor', 'then', 'toJSON'])] = this.odd()
        return object
    }
  }
}

const domain = { name: 'Site', chainId: 1 }
const types = {
  EIP712Domain: [
    { name: 'name', type: 'string' },
    { name: 'chainId', type: 'uint256' },
  ],
  Mail: [{ name: 'text', type: 'string' }],
}

async function script(seed) {
  const random = new Random(seed)
  clock.clear()
  const page = new Page(random)
  const world = {
    random,
    clock,
    accounts,
    makeError: (code, detail) => failure(code, detail, { retryable: true }),
    deviceTrouble: 0,
    rejects: 0.05,
  }
  const device = new FakeDevice(world)
  const imkey = new FakeImKey([device])
  const chain = new FakeChain(1, 7)
  const node = new FakeNode(world, chain, 0)
  globalThis.fetch = (_, { body, signal }) => node.answer(body, signal)

  const calls = []
  const asked = new Map() // what a valid request has signed, by its tag
  world.onSigned = (entry) => checkSigned(entry, asked)
  const dialog = random.below(5)
  const openPairingDialog = ({ signal }) => {
    device.status = 'bound'
    if (dialog === 0) return Promise.resolve('cancelled') // removed from the document
    if (dialog === 1) return Promise.reject(new Error('the dialog broke'))
    if (dialog === 2) device.status = 'not-bound' // it says so, but the device is not bound
    if (dialog === 3) return clock.wait(random.below(10 * minute)).then(() => (signal?.aborted ? 'cancelled' : 'bound'))
    return Promise.resolve('bound')
  }
  if (random.chance(0.2)) device.status = random.of(['not-bound', 'bound-elsewhere'])
  const pairing = random.of([
    'none',
    'dialog',
    'dialog',
    () => {
      throw new Error('the pairing of the page')
    },
    async () => {
      device.status = 'bound'
    },
  ])
  const provider = makeProvider(
    { chains: [{ chainId: 1, rpcUrls: ['https://node.example/'] }], usb: {}, pairing, confirmSignIn: () => page.odd() },
    async () => imkey,
    async () => ({ openPairingDialog }),
  )
  const signals = []

  const track = (request, tag) => {
    const call = { request, tag, outcome: undefined }
    calls.push(call)
    report.count('requests')
    let promise
    try {
      promise = provider.request(request)
    } catch (thrown) {
      report.fault('each request settles', `request threw ${String(thrown)}`)
      return call
    }
    promise.then(
      (value) => settled(call, { value, error: undefined }),
      (error) => settled(call, { value: undefined, error: error ?? 'nothing' }),
    )
    return call
  }
  const settled = (call, outcome) => {
    report.check('each request settles', !call.outcome, 'settled twice')
    call.outcome = outcome
    report.count(outcome.error ? 'rejected' : 'resolved')
    if (outcome.error === undefined) return
    const { error } = outcome
    report.check(
      'an error has a code and a message',
      error instanceof Error && Number.isInteger(error.code) && typeof error.message === 'string',
      () => String(error),
    )
    // A getter of the page that throws, and a dialog or a pairing that breaks, are errors of the page.
    const ofThePage = /of the page|the dialog broke|revoked/.test(`${error.message} ${String(error.cause?.message)}`)
    report.check(
      'no error is internal',
      ofThePage || error.data?.code !== 'internal',
      () => `${error.message.slice(-160)} at ${where(error.cause)} for ${describe(call.request)}`,
    )
  }
  const settle = async (list) => {
    const over = () => list.every((call) => call.outcome)
    const ended = await clock.until(over, 60 * minute)
    if (!ended) for (const call of list.filter((each) => !each.outcome)) report.fault('each request settles', describe(call.request))
    return ended
  }

  const valid = () => {
    const tag = random.hex(8)
    const kind = random.below(5)
    if (kind === 0) {
      asked.set(tag, { kind: 'message', shown: Uint8Array.from(Buffer.from(tag.slice(2), 'hex')) })
      return [{ method: 'personal_sign', params: random.chance(0.3) ? [own, tag] : [tag, own] }, tag]
    }
    if (kind === 1) {
      const document = { types, primaryType: 'Mail', domain, message: { text: tag } }
      asked.set(tag, { kind: 'typedData', shown: structuredClone(document) })
      return [
        { method: 'eth_signTypedData_v4', params: [own, random.chance(0.3) ? JSON.stringify(document) : structuredClone(document)] },
        tag,
      ]
    }
    const tx = { from: accounts[0], to: accounts[1], value: random.of(['0x0', '0x1', 1, 5n]), data: tag }
    if (random.chance(0.3)) Object.assign(tx, { gas: 50_000, maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' })
    const value = `0x${BigInt(tx.value).toString(16)}`
    const fees = Object.hasOwn(tx, 'gas')
      ? { gas: '0xc350', maxFeePerGas: '0x77359400', maxPriorityFeePerGas: '0x1' }
      : { gas: '0x5208', maxPriorityFeePerGas: '0x3b9aca00' }
    asked.set(tag, {
      kind: 'transaction',
      shown: { from: accounts[0], to: accounts[1].toLowerCase(), value, data: tag, chainId: '0x1', type: '0x2', ...fees },
    })
    return [{ method: random.chance(0.2) ? 'eth_signTransaction' : 'eth_sendTransaction', params: [tx] }, tag]
  }
  const hostile = () => {
    const [request, tag] = valid()
    const kind = random.below(13)
    if (kind === 12) return [request, tag]
    asked.get(tag).tricked = true
    if (kind === 0) return [page.odd()]
    if (kind === 1) return [{ method: page.odd(), params: page.odd() }]
    if (kind === 2) return [{ method: random.of(methods), params: page.odd() }]
    if (kind === 3) return [{ method: random.of(methods), params: [page.odd(), page.odd()] }]
    if (kind === 4) return [{ ...request, signal: page.odd() }, tag]
    if (kind === 5) return [page.trick(request), tag]
    if (kind === 6) request.params[random.below(request.params.length)] = page.odd()
    if (kind === 7) request.params.push(page.odd())
    if (kind >= 8) {
      const at = request.params.findIndex((each) => typeof each === 'object')
      if (at >= 0) {
        const nested = random.chance(0.3) && request.params[at].message ? 'message' : undefined
        if (nested) request.params[at][nested] = page.trick(request.params[at][nested])
        else request.params[at] = page.trick(request.params[at])
      }
    }
    return [request, tag]
  }

  for (const name of ['connect', 'disconnect', 'accountsChanged', 'interaction', 'chainChanged']) {
    if (random.chance(0.3)) {
      provider.on(name, () => {
        const what = random.below(4)
        if (what === 0 && calls.length < 40) track(...hostile()) // inside of another request
        if (what === 1) throw Object.assign(new Error('a listener of the page'), { ofThePage: true })
        if (what === 2 && calls.length < 40) track({ method: 'wallet_revokePermissions', params: [{ eth_accounts: {} }] })
      })
    }
  }

  let revoked = false
  provider.on('accountsChanged', (list) => (revoked ||= list.length === 0))
  const polluted = pollute(random)
  let live = true
  if (random.chance(0.8)) live = await settle([track({ method: 'eth_requestAccounts' })])
  for (let step = 1 + random.below(4); live && step > 0; step--) {
    const batch = []
    for (let width = random.of([1, 1, 2, 5]); width > 0; width--) {
      let [request, tag] = hostile()
      if (random.chance(0.2) && tag) {
        const counted = countedController()
        signals.push(counted)
        define(request, 'signal', { value: counted.signal, configurable: true })
        if (random.chance(0.2)) counted.controller.abort()
        else void clock.wait(random.below(2 * minute)).then(() => counted.controller.abort())
      }
      batch.push(track(request, tag))
      if (random.chance(0.2)) {
        if (tag) asked.get(tag).tricked = true
        change(request, page)
      } // after the call: what is signed must not be half of it
    }
    live = await settle(batch)
  }
  if (live) live = await settle(calls)
  polluted()
  world.rejects = 0

  // Whatever the page did, a valid request works.
  if (live && pairing !== 'none' && dialog === 4 && typeof pairing === 'string') {
    device.status = 'bound'
    let connected = track({ method: 'eth_requestAccounts' })
    live = await settle([connected])
    const [request, tag] = valid()
    const last = track(request, tag)
    if (live && (await settle([last]))) {
      // A listener of the page may have revoked the permission again.
      report.check(
        'a valid request still works',
        revoked || last.outcome.value !== undefined,
        () => `${last.outcome.error?.message} for ${describe(request)}`,
      )
    }
  }
  await settle(calls)
  await clock.pass(5 * minute)
  for (const tag of asked.keys()) {
    const n = device.signed.filter((each) => each.tag === tag).length
    report.check('no two signatures from one request', n <= calls.filter((each) => each.tag === tag).length, `${n} signatures`)
  }
  report.count('signatures', device.signed.length)
  report.check(
    'the device does one thing at a time and is closed',
    device.most <= 1 && !device.opened,
    `${device.most} at once, open: ${device.opened}`,
  )
  const listeners = device.listeners.length + signals.reduce((n, each) => n + each.left(), 0)
  report.check('no timer or listener is left', clock.left === 0 && listeners === 0, `${clock.left} timers, ${listeners} listeners`)
}

const methods = [
  'eth_accounts',
  'eth_requestAccounts',
  'wallet_requestPermissions',
  'wallet_getPermissions',
  'wallet_revokePermissions',
  'wallet_switchEthereumChain',
  'wallet_addEthereumChain',
  'personal_sign',
  'personal_ecRecover',
  'eth_sign',
  'eth_signTypedData',
  'eth_signTypedData_v3',
  'eth_signTypedData_v4',
  'eth_signTransaction',
  'eth_sendTransaction',
  'eth_sendRawTransaction',
  'wallet_sendTransaction',
  'eth_subscribe',
  'eth_unsubscribe',
  'eth_chainId',
  'eth_blockNumber',
  'constructor',
  '__proto__',
  'hasOwnProperty',
  'toString',
  'wallet_sendCalls',
  'eth_decrypt',
  '',
]

/** pollute adds to the prototypes that all objects of the page have, and gives what takes it away. */
function pollute(random) {
  if (!random.chance(0.15)) return () => {}
  const name = random.of([
    'from',
    'to',
    'value',
    'data',
    'gas',
    'nonce',
    'gasPrice',
    'type',
    'allowUnbound',
    'acceptUnverified',
    'path',
    'chainId',
    'accessList',
    'authorizationList',
    'headers',
    'maxFee',
    'maxFeePerGas',
    'webSocketUrl',
    'result',
    'error',
    'prefer',
    'next',
    'taken',
    'replaces',
    'early',
    'mayPair',
    'takeOver',
  ])
  const value = random.of(['0x1', own, true, false, [], {}, 1, null])
  define(Object.prototype, name, { value, configurable: true, writable: true })
  return () => delete Object.prototype[name]
}

/** change changes a request after it was made. */
function change(request, page) {
  try {
    const { params } = request
    if (!Array.isArray(params)) return
    for (const param of params.slice(0, 3)) {
      if (typeof param !== 'object' || param === null) continue
      if (param.message) param.message.text = 'changed'
      else for (const name of ['to', 'value', 'data']) param[name] = page.odd()
    }
  } catch {
    // it is frozen, revoked or throws
  }
}

function checkSigned(entry, asked) {
  const { kind, shown } = entry
  const tag = kind === 'message' ? `0x${Buffer.from(shown).toString('hex')}` : kind === 'typedData' ? shown.message?.text : shown.data
  entry.tag = tag
  if (kind === 'transaction') {
    const quantity = (value) => /^0x(0|[1-9a-f][0-9a-f]*)$/.test(value)
    const right =
      ['value', 'nonce', 'gas', 'chainId', 'type'].every((name) => quantity(shown[name])) &&
      (!Object.hasOwn(shown, 'to') || /^0x[0-9a-f]{40}$/.test(shown.to)) &&
      /^0x([0-9a-f]{2})*$/.test(shown.data) &&
      Number(shown.chainId) === 1 &&
      Object.hasOwn(shown, 'from') &&
      shown.from.toLowerCase() === own &&
      (Object.hasOwn(shown, 'gasPrice') ? quantity(shown.gasPrice) : quantity(shown.maxFeePerGas) && quantity(shown.maxPriorityFeePerGas))
    report.check('what is signed has the right form', right, () => describe(shown))
  }
  const wanted = asked.get(tag)
  if (!wanted) {
    report.count('signatures for values of the page')
    return
  }
  report.check('nothing is signed that no request asked for', wanted.kind === kind, () => `${kind} for ${wanted.kind}`)
  if (kind !== 'message' && wanted.tricked) return
  // A node chooses the nonce and the base fee.
  const { nonce, maxFeePerGas, ...rest } = kind === 'transaction' ? shown : { ...shown }
  const same =
    kind === 'transaction'
      ? isDeepStrictEqual(
          { maxFeePerGas: undefined, ...wanted.shown, ...(wanted.shown.maxFeePerGas && { maxFeePerGas }) },
          { maxFeePerGas: undefined, ...rest, ...(wanted.shown.maxFeePerGas && { maxFeePerGas }) },
        ) && Number(nonce) >= 7
      : isDeepStrictEqual(shown, wanted.shown)
  report.check('what is signed is what was asked for', same, () => `${describe(shown)} for ${describe(wanted.shown)}`)
}

/** where gives the first line of a stack that is in the provider. */
const where = (thrown) => /\S*\/provider\/\S+/.exec(String(Object(thrown).stack))?.[0] ?? 'an unknown place'

function describe(value) {
  try {
    return JSON.stringify(value, (_, each) =>
      typeof each === 'bigint' || typeof each === 'symbol' || typeof each === 'function' ? String(each) : each,
    ).slice(0, 300)
  } catch (thrown) {
    return `what cannot be described: ${String(thrown)}`
  }
}

await report.run(script, first, runs, 'hostile pages')
