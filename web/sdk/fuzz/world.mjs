// What the provider meets in the fuzzers: a device that notes what it shows and signs, chains, and the nodes that speak for them.

import { createHash } from 'node:crypto'

const digest = (text) => createHash('sha256').update(text).digest('hex')
const hex = (n) => `0x${BigInt(n).toString(16)}`

/** Listeners counts what is listened to, and calls it. */
class Listeners {
  listeners = []

  addEventListener(name, listener) {
    this.listeners.push([name, listener])
  }

  removeEventListener(name, listener) {
    const at = this.listeners.findIndex(([n, l]) => n === name && l === listener)
    if (at >= 0) this.listeners.splice(at, 1)
  }

  tell(name, detail) {
    for (const [n, listener] of this.listeners.slice()) if (n === name) listener({ detail })
  }
}

/** FakeDevice is an open or closed imKey. signed has all that it signed, in order, with what it showed. */
export class FakeDevice extends Listeners {
  opened = false
  serialNumber = 'imKey01191200001'
  info = { serial: 'imKey01191200001', seid: 'EE', secureElementKey: '04', certificate: 'verified' }
  status = 'bound'
  inUse = 0
  most = 0

  constructor(world) {
    super()
    this.world = world
    this.signed = world.signed ??= []
    const sign = (kind, answer) => (what, options) => this.#operation(kind, what, options, answer)
    this.ethereum = {
      getAccount: async ({ path }) => {
        await this.#ready()
        return { address: this.world.accounts[Number(/(\d+)$/.exec(path)[1])] ?? this.world.accounts[0], path, publicKey: '0x04' }
      },
      signMessage: sign('message', () => ({ signature: this.world.random.hex(65), warnings: [] })),
      signTypedData: sign('typedData', () => ({ signature: this.world.random.hex(65), warnings: [] })),
      signTransaction: sign('transaction', (tx) => {
        const raw = `0x02${Buffer.from(JSON.stringify(tx)).toString('hex')}`
        return { raw, hash: `0x${digest(raw)}`, from: tx.from, blind: false, warnings: [] }
      }),
    }
  }

  error(code, more) {
    return Object.assign(this.world.makeError(code, `the device says ${code}`), more)
  }

  async #ready() {
    if (!this.opened) throw this.error('invalid-argument')
    if (this.world.random.chance(this.world.deviceTrouble)) {
      throw this.error(this.world.random.of(['device-disconnected', 'timeout', 'protocol', 'locked', 'aborted', 'in-use-elsewhere']))
    }
    if (this.status !== 'bound') throw this.error(this.status)
  }

  async #operation(kind, what, options, answer) {
    this.most = Math.max(this.most, ++this.inUse)
    try {
      await this.#ready()
      const { random, clock } = this.world
      // The device reads once. What the page changes from here on is not shown.
      const shown = structuredClone(what)
      this.tell('interaction', { state: 'waiting', reason: 'confirm', operation: kind })
      if (random.chance(0.3)) {
        await new Promise((resolve, reject) => {
          const given = () => reject(this.error('aborted'))
          if (options.signal?.aborted) return given()
          options.signal?.addEventListener('abort', given, { once: true })
          void clock.wait(random.below(60_000)).then(() => {
            options.signal?.removeEventListener('abort', given)
            resolve()
          })
        })
      }
      if (random.chance(this.world.rejects)) throw this.error('user-rejected')
      const made = answer(shown)
      const entry = { kind, shown, from: options.from, path: options.path, ...made, delivered: !random.chance(this.world.deviceTrouble) }
      this.signed.push(entry)
      this.world.onSigned?.(entry)
      if (!entry.delivered) throw this.error('device-disconnected') // the answer is lost
      return made
    } finally {
      this.tell('interaction', { state: 'done', reason: 'confirm', operation: kind })
      this.inUse--
    }
  }

  async open({ signal } = {}) {
    const { random, clock } = this.world
    // Another tab has it. A page that waits for its lock gets it when the other one releases it.
    for (let tries = 0; this.world.holder && this.world.holder !== this; tries++) {
      if (tries === 10) throw this.error('in-use-elsewhere')
      await clock.wait(100)
    }
    this.world.holder = this
    try {
      return await this.#opening(signal, random, clock)
    } catch (thrown) {
      this.world.holder = undefined
      throw thrown
    }
  }

  async #opening(signal, random, clock) {
    if (random.chance(this.world.deviceTrouble)) throw this.error(random.of(['in-use-elsewhere', 'timeout', 'device-disconnected']))
    if (random.chance(0.1)) await clock.wait(random.below(3000))
    if (signal?.aborted) throw this.error('aborted')
    this.opened = true
    return this.info
  }

  async close() {
    this.opened = false
    if (this.world.holder === this) this.world.holder = undefined
  }
}

/** FakeImKey is what loadImKey gives. */
export class FakeImKey extends Listeners {
  constructor(devices) {
    super()
    this.devices = devices
  }

  async getDevices() {
    return this.devices
  }

  async requestDevice() {
    return this.devices[0]
  }
}

/** FakeChain is the truth about one chain: what is mined, and what waits. */
export class FakeChain {
  mined = new Map() // raw by nonce
  waiting = new Map() // raw by nonce

  constructor(id, first) {
    this.id = id
    this.next = first
  }

  take(raw) {
    const { nonce } = JSON.parse(Buffer.from(raw.slice(4), 'hex').toString())
    const n = Number(nonce)
    if (n < this.next) return 'nonce too low'
    if (this.waiting.get(n) === raw) return 'already known'
    this.waiting.set(n, raw)
    return ''
  }

  mine() {
    const raw = this.waiting.get(this.next)
    if (raw === undefined) return
    this.waiting.delete(this.next)
    this.mined.set(this.next++, raw)
  }

  get pending() {
    let n = this.next
    while (this.waiting.has(n)) n++
    return n
  }

  find(hash) {
    for (const [where, block] of [
      [this.mined, '0x10'],
      [this.waiting, null],
    ]) {
      for (const raw of where.values()) if (`0x${digest(raw)}` === hash) return { hash, blockNumber: block }
    }
    return null
  }
}

const odd = [
  null,
  undefined,
  '',
  '0x',
  '0x0',
  '0x00',
  '-0x1',
  '1',
  'latest',
  0,
  1,
  -1,
  1.5,
  2 ** 60,
  true,
  {},
  [],
  [[]],
  { toString: 'x' },
  '0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',
  '0xffffffffffffffffffffffffffffffff',
  '0x8000000000000000',
  '0x1fffffffffffff',
  `0x${'f'.repeat(65)}`,
  'x'.repeat(70_000),
]

const codes = [
  -32000,
  -32001,
  -32002,
  -32003,
  -32004,
  -32005,
  -32007,
  -32009,
  -32011,
  -32016,
  -32046,
  -32600,
  -32601,
  -32602,
  -32603,
  -32605,
  -32700,
  0,
  1,
  3,
  30,
  401,
  403,
  429,
  500,
  503,
  4001,
  4100,
  4200,
  4900,
  4901,
  1.5,
  '3',
  null,
  2 ** 53,
]
const words = [
  'nonce too low',
  'nonce too high',
  'already known',
  'replacement transaction underpriced',
  'transaction underpriced',
  'insufficient funds for gas * price + value',
  'execution reverted',
  'rate limit exceeded',
  'header not found',
  'internal error',
  'the method does not exist',
  'unauthorized',
  'txpool is full',
  'invalid params',
  'You rejected this on your imKey.',
  '',
  'e'.repeat(5000),
  null,
  7,
]
const statuses = [100, 200, 204, 301, 400, 401, 403, 404, 408, 413, 429, 499, 500, 502, 503, 504, 521, 599]

/** FakeNode answers for a chain. trouble is how likely each answer is wrong. What it does wrong is drawn anew each time. */
export class FakeNode {
  constructor(world, chain, trouble) {
    Object.assign(this, { world, chain, trouble, shift: 0, asked: 0 })
  }

  #truth(method, params) {
    const { chain, world } = this
    switch (method) {
      case 'eth_chainId':
        return hex(chain.id)
      case 'eth_getTransactionCount':
        return hex(Math.max(0, (params[1] === 'pending' ? chain.pending : chain.next) + this.shift))
      case 'eth_estimateGas':
        return '0x5208'
      case 'eth_gasPrice':
      case 'eth_maxPriorityFeePerGas':
        return '0x3b9aca00'
      case 'eth_feeHistory':
        return { baseFeePerGas: ['0x3b9aca00', '0x3b9aca01'], reward: [['0x5f5e100']], oldestBlock: '0x1', gasUsedRatio: [0.5] }
      case 'eth_getBlockByNumber':
        return { baseFeePerGas: '0x3b9aca00', number: '0x10' }
      case 'eth_getTransactionByHash':
        return chain.find(params[0])
      case 'eth_sendRawTransaction': {
        world.onSent?.(params[0], this)
        const refused = chain.take(params[0])
        if (refused) throw { code: -32000, message: refused }
        return `0x${digest(params[0])}`
      }
      case 'eth_blockNumber':
        return '0x10'
    }
    throw { code: -32601, message: 'the method does not exist' }
  }

  /** answer gives what a fetch to the node resolves to. */
  async answer(body, signal) {
    const { random, clock } = this.world
    const { id, method, params } = JSON.parse(body)
    this.asked++
    const wrong = random.chance(this.trouble)
    const kind = wrong ? random.below(15) : -1
    if (random.chance(0.2)) this.chain.mine()
    if (kind === 0) return this.#never(signal)
    if (kind === 1) throw new TypeError('fetch failed')
    if (kind === 2) await Promise.race([clock.wait(random.below(45_000)), this.#never(signal)])
    if (signal.aborted) throw signal.reason
    if (kind === 3) return response(random.of(statuses), random.of(['', '<html>busy</html>', '{"jsonrpc":', 'null', '[]', '7']))
    if (kind === 4) this.shift = random.of([0, 0, -1, -5, 1, 3, 70, 1001, 2 ** 40, -1e9])

    let said
    try {
      // It may take a transaction and say that it did not.
      said = { result: this.#truth(method, params) }
    } catch (error) {
      said = { error }
    }
    const forgets = method === 'eth_sendRawTransaction' && kind === 5
    if (forgets) this.chain.waiting.clear() // a node that drops what it took
    if (kind === 0 || kind === 14) return this.#never(signal) // after it took it
    let status = 200
    if (kind === 6 || kind === 7) {
      said = { error: { code: random.of(codes), message: random.of(words), ...(random.chance(0.2) && { data: random.of(odd) }) } }
      if (random.chance(0.3)) status = random.of(statuses)
    }
    if (kind === 8 || kind === 9) said = { result: random.of(odd) }
    if (kind === 10) said = { result: method === 'eth_chainId' ? hex(random.of([1, 5, 137, 1337])) : (said.result ?? null) }
    if (kind === 11 && method === 'eth_feeHistory') {
      const fee = () => random.of([...odd, '0x1', '0x0', '0x5f5e100', 100_000_000])
      said = {
        result: {
          baseFeePerGas: random.of([null, [], [fee(), fee()], fee()]),
          reward: random.of([null, [], [[fee()], [fee()]], [null, fee()], fee()]),
        },
      }
    }
    if (kind === 11 && method === 'eth_sendRawTransaction') said = { result: random.hex(32) }
    if (kind === 11 && method === 'eth_getTransactionByHash') {
      said = {
        result: random.of([
          null,
          { hash: params[0], blockNumber: '0x1' },
          { hash: params[0], blockNumber: null },
          { hash: random.hex(32) },
        ]),
      }
    }
    if (kind === 11 && /gas|fee/i.test(method) && method !== 'eth_feeHistory')
      said = { result: hex(random.of([0n, 1n, 20_999n, 21_000n, 10n ** 12n, 2n ** 52n, 2n ** 127n])) }
    const out = { jsonrpc: '2.0', id: kind === 12 ? random.of([id + 1, id - 1, null, String(id), {}, undefined]) : id, ...said }
    if (kind === 13) {
      const more = random.below(4)
      if (more === 0) return response(200, `{"__proto__":{"result":"0x1"},"constructor":1,"id":${id}}`)
      if (more === 1) return response(200, JSON.stringify([out]))
      if (more === 2) return response(200, '['.repeat(3000))
      return random.chance(0.05) ? endless(signal) : response(200, `${JSON.stringify(out)}x`)
    }
    return response(status, JSON.stringify(out), random.chance(0.1))
  }

  #never(signal) {
    return new Promise((_, reject) => {
      if (signal.aborted) return reject(signal.reason)
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
}

function response(status, text, broken = false) {
  const bytes = Buffer.from(text)
  const half = bytes.length >> 1
  const parts = broken ? [bytes.subarray(0, half), new Uint8Array(), bytes.subarray(half)] : [bytes]
  let at = 0
  return {
    status,
    ok: status >= 200 && status < 300,
    body: {
      getReader: () => ({
        read: async () => (at < parts.length ? { done: false, value: parts[at++] } : { done: true, value: undefined }),
        cancel: async () => {},
      }),
    },
  }
}

const megabyte = new Uint8Array(1 << 20).fill(0x20)

function endless(signal) {
  return {
    status: 200,
    ok: true,
    body: {
      getReader: () => ({
        read: async () => {
          if (signal.aborted) throw signal.reason
          return { done: false, value: megabyte }
        },
        cancel: async () => {},
      }),
    },
  }
}

/** CountedSignal is an AbortController that counts the listeners of its signal. */
export function countedController() {
  const controller = new AbortController()
  const { signal } = controller
  const held = new Set()
  const add = signal.addEventListener.bind(signal)
  const remove = signal.removeEventListener.bind(signal)
  signal.addEventListener = (name, listener, options) => {
    held.add(listener)
    add(name, listener, options)
  }
  signal.removeEventListener = (name, listener, options) => {
    held.delete(listener)
    remove(name, listener, options)
  }
  return { controller, signal, left: () => (signal.aborted ? 0 : held.size) }
}
