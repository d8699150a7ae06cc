// A broker with a shell whose screen a test answers, and sites that speak the protocol to it.
import assert from 'node:assert/strict'
import { page, T0, TO } from '../../sdk/testdata/fakewallet.js'

export { A0, A1, B0, HASH, SIGNATURE, T0, T1, TO, wallet } from '../../sdk/testdata/fakewallet.js'

/** until resolves when the condition is true, and rejects after 20 seconds. */
export async function until(condition) {
  const end = Date.now() + 20_000
  while (!condition()) {
    if (Date.now() > end) throw new Error(`it did not happen: ${condition}`)
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
}

const { DIST } = process.env
export const protocol = await import(`${DIST}/imkey-broker.js`)

export const A = 'https://a.example'
export const B = 'https://b.example'
export const C = 'https://c.example'

/** A site on this computer, which may name nodes there. */
export const LOCAL = 'http://localhost:5173'

/** MemoryStorage outlives a broker, as the browser's does. */
export class MemoryStorage {
  values = new Map()
  watchers = []
  writes = 0
  async list(prefix) {
    return [...this.values].filter(([key]) => key.startsWith(prefix))
  }
  async put(key, value) {
    this.writes++
    this.values.set(key, structuredClone(value))
  }
  async replace(key, before, value) {
    if (JSON.stringify(this.values.get(key)) !== JSON.stringify(before)) return false
    this.writes++
    this.values.set(key, structuredClone(value))
    return true
  }
  async delete(key) {
    this.values.delete(key)
  }
  watch(changed) {
    this.watchers.push(changed)
  }
}

/**
 * broker starts a broker on a page with a fake device. asked has the reviews on the screen. answer says what the user does: a function
 * of the review, which gives the answer, throws, or never settles; by default it says yes. chains is a list, or false for none.
 */
export async function broker(t, { storage = new MemoryStorage(), chains = true, answer, bitcoinNode, rpcTimeout, ...options } = {}) {
  const it = await page(t, options)
  const { sdk, usb, node } = it
  const imkey = await sdk.loadImKey({ usb, store: 'memory', wasmURL: it.wasmURL })
  Object.defineProperty(imkey, 'ethereum', {
    value: {
      describeTransaction: async (transaction) => ({
        blind: false,
        digest: '0x00',
        summary: {
          kind: 'transfer',
          payment: `${BigInt(transaction.value)} wei`,
          receiver: transaction.to,
          fee: '0 ETH',
          unlimited: false,
        },
      }),
      describeMessage: async () => ({ blind: false, digest: '0x00' }),
      describeTypedData: async () => ({ blind: true, digest: '0x00' }),
    },
  })
  Object.defineProperty(imkey, 'tron', {
    value: {
      describeTransaction: async ({ rawData }) => ({
        blind: false,
        digest: '0x00',
        owner: T0,
        summary: { contract: 'TransferContract', kind: 'transfer', payment: `${rawData} TRX`, receiver: T0, fee: '', unlimited: false },
        screen: { payment: `${rawData} TRX`, receiver: T0, fee: '' },
      }),
      describeMessage: async () => ({ blind: true, digest: '0x00' }),
      describeTypedData: async () => ({ blind: true, digest: '0x00' }),
    },
  })
  const foreign = () => new sdk.ImKeyError('invalid-argument', 'another account', { data: { at: 'document', reason: 'foreign-from' } })
  const described = (kind) => ({
    blind: false,
    digest: '0x00',
    summary: { kind, payment: '1 ATOM', receiver: 'cosmos1other', fee: '0', types: ['MsgSend'], chainId: 'cosmoshub-4', memo: '' },
  })
  Object.defineProperty(imkey, 'cosmos', {
    value: {
      describeAmino: async ({ msgs }, { from }) => {
        // As the module does.
        if (msgs[0].value.signer !== undefined && msgs[0].value.signer !== from) throw foreign()
        return described(msgs[0].type === 'sign/MsgSignData' ? 'arbitrary' : 'transfer')
      },
      describeDirect: async (_, { from }) => (from === undefined ? assert.fail() : described('transfer')),
    },
  })
  Object.defineProperty(imkey, 'bitcoin', {
    value: {
      describeAddress: async (address) => ({ script: address, dust: 294 }),
      describePsbt: async (psbt, { keys }) => ({
        blind: false,
        summary: {
          payments: [{ index: 0, amount: 5, address: TO, script: '0x00', text: '0.00000005 BTC to someone' }],
          change: [],
          fee: 7,
          spent: 12,
          own: 12,
          signed: keys.length > 0 ? [0] : [],
          unsigned: [],
          notes: psbt === 'aGlnaA==' ? ['high-fee'] : [],
        },
      }),
    },
  })
  const shown = { asked: [], settled: [], progress: [], pairs: [], pauses: [], unreached: [], states: [], showing: 0, most: 0 }
  const user = { answer: answer ?? (() => ({ yes: true })) }
  const shell = {
    async ask(review, signal) {
      shown.asked.push(review)
      shown.most = Math.max(shown.most, ++shown.showing)
      try {
        return { id: review.id, ...(await user.answer(review, signal)) }
      } finally {
        shown.showing--
      }
    },
    paused: (review) => shown.pauses.push(['paused', review.id]),
    resumed: async (review) => void shown.pauses.push(['resumed', review.id]),
    settled: (review, outcome) => shown.settled.push([review.what.kind, outcome]),
    device: (progress) => shown.progress.push(progress),
    pair: async (pairing) => {
      shown.pairs.push(pairing)
      if (user.pair) return user.pair(pairing)
    },
    unreached: (code) => shown.unreached.push(code),
    changed: (state) => shown.states.push(state),
  }
  const made = protocol.startBroker({
    imkey: async () => imkey,
    shell,
    storage,
    version: '1.2.3',
    ...(rpcTimeout !== undefined && { rpcTimeout }),
    ...(bitcoinNode !== undefined && { bitcoinNode: async () => bitcoinNode }),
    ...(chains && {
      chains: Array.isArray(chains)
        ? chains
        : [
            { chainId: 1, rpcUrls: [node.url] },
            { chainId: 5, rpcUrls: [node.url] },
          ],
    }),
  })
  t.after(() => made.close('test')) // it tries for ever what its storage does not do
  return {
    ...it,
    imkey,
    broker: made,
    shown,
    user,
    storage,
    site: (origin, more) => site(made, origin, more),
    serial: it.device.serialNumber,
  }
}

/** site connects a site and greets the broker. ask resolves to the result, or rejects with the error as the broker sent it. */
export function site(broker, origin, { hello = true, place, v = 1 } = {}) {
  const it = { got: [], events: [], answers: new Map(), closedByBroker: false, last: 0, counts: new Map() }
  const port = {
    post: (text) => {
      const message = protocol.readToSite(text) // what a broker sends always fits
      it.got.push(message)
      if (message.type === 'event') it.events.push([message.name, message.payload, ...(message.coin ? [message.coin] : [])])
      if (message.type === 'result' || message.type === 'error') {
        it.counts.set(message.id, (it.counts.get(message.id) ?? 0) + 1)
        it.answers.get(message.id)?.(message)
      }
    },
    close: () => {
      it.closedByBroker = true
    },
  }
  const connection = broker.connect(origin, port, place)
  it.send = (message) => connection.receive(typeof message === 'string' ? message : JSON.stringify(message))
  it.raw = (data) => connection.receive(data)
  it.gone = () => connection.closed()
  it.begin = (method, params = [], more = {}) => {
    const id = ++it.last
    const answer = new Promise((resolve, reject) => {
      it.answers.set(id, ({ type, result, code, message, data }) =>
        type === 'result' ? resolve(result) : reject(Object.assign(new Error(message), { code, data })),
      )
    })
    answer.catch(() => {})
    it.send({ type: 'request', id, method, params, ...more })
    return { id, answer, cancel: () => it.send({ type: 'cancel', id }) }
  }
  it.ask = (method, params, more) => it.begin(method, params, more).answer
  it.welcome = async () => {
    await until(() => it.got.some(({ type }) => type === 'welcome'))
    return it.got.find(({ type }) => type === 'welcome')
  }
  if (hello) it.send({ type: 'hello', v, sdk: '0.1.0' })
  return it
}

/** held gives a promise that never settles before release is called. */
export function held() {
  let release
  const promise = new Promise((resolve) => (release = resolve))
  return { promise, release }
}
