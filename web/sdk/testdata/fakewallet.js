// Fakes for the tests of the provider: an Ethereum node, and devices with a wallet.
import { createServer } from 'node:http'
import { FakeUSB } from './fakeusb.js'

const { DIST, SITE } = process.env

export const A0 = '0x6031564e7b2F5cc33737807b2E58DaFF870B590b'
export const A1 = '0xd8dA6BF26964aF9D7eEd9e03E53415D37aA96045'
export const B0 = '0x52908400098527886E0F7030069857D2E4169EE7'
export const T0 = 'TY2uroBeZ5trA9QT96aEWj32XLkAAhQ9R2'
export const T1 = 'TR7NHqjeKQxGTCi8q8ZY4pL8otSzgjLj6t'
export const HASH = `0x${'ab'.repeat(32)}`
export const SIGNATURE = `0x${'11'.repeat(64)}1b`
export const TO = '0xfb6916095ca1df60bb79ce92ce3ea74c37c5d359'

let pages = 0

/** page makes a page with its own imkey.js, one permitted imKey, and a provider. heard has the provider's events. */
export async function page(t, { node, devices = [wallet()], chains, ...options } = {}) {
  node ??= await fakeNode(t)
  const sdk = await import(`${DIST}/imkey.js?wallet=${++pages}`)
  const usb = new FakeUSB()
  usb.devices = devices
  const load = { usb, wasmURL: `${SITE}/imkey.wasm?wallet`, store: 'memory', pairing: 'none' }
  const create = (more) => sdk.createProvider({ chains: chains ?? [{ chainId: 1, rpcUrls: [node.url] }], ...load, ...options, ...more })
  const provider = create()
  const heard = []
  for (const name of ['connect', 'disconnect', 'chainChanged', 'accountsChanged', 'message', 'interaction']) {
    provider.on(name, (payload) => heard.push([name, payload]))
  }
  const ask = (method, params, more) => provider.request({ method, ...(params && { params }), ...more })
  const events = (name) => heard.filter(([each]) => each === name).map(([, payload]) => payload)
  return { sdk, usb, node, provider, create, heard, events, ask, device: devices[0], wasmURL: load.wasmURL }
}

/** connected makes such a page and calls eth_requestAccounts. */
export async function connected(t, options) {
  const it = await page(t, options)
  await it.ask('eth_requestAccounts')
  it.heard.length = 0
  it.node.asked.length = 0
  return it
}

/**
 * wallet makes an imKey on USB. calls lists the calls that reached it. A test replaces an answer by setting a function of that
 * name, such as signMessage.
 */
export function wallet({ serial = 'imKey01191200001', key = '04aa', accounts = [A0, A1], status = 'bound' } = {}) {
  const it = {
    vendorId: 0x096e,
    productId: 0x0891,
    serialNumber: serial,
    calls: [],
    open: 0,
    opened: 0,
    inUse: 0,
    most: 0,
    status,
    accounts,
    async core(options, host) {
      if (it.refuses) throw it.refuses(host)
      it.open++
      it.opened++
      it.host = host
      it.tell = options.onEvent
      return device
    },
    /** error makes an error as the core does. */
    error: (code, { statusWord, retryable = false, data } = {}) =>
      it.host.makeError(code, `the device says ${code}`, statusWord, retryable, data),
  }
  const signs =
    (name, answer) =>
    (...args) =>
      operation(name, args, async () => {
        if (it.status !== 'bound') throw it.error(it.status === 'unbound' ? 'not-bound' : it.status)
        return it[name] ? it[name](...args) : answer(...args)
      })
  // most counts operations that ran at the same time: on USB they would be mixed up.
  async function operation(name, args, run) {
    // A transaction has no prototype, so that it has no field of Object.prototype. Tests compare its fields.
    it.calls.push([name, ...args.map((arg) => (Object.getPrototypeOf(Object(arg)) === null ? { ...arg } : arg))])
    it.most = Math.max(it.most, ++it.inUse)
    try {
      await new Promise(setImmediate)
      return await run()
    } finally {
      it.inUse--
    }
  }
  const device = {
    info: { serial, seid: 'EE', secureElementKey: key, certificate: 'verified' },
    bindingStatus: async () => it.status,
    close: async () => {
      it.open--
    },
    ethereum: {
      getAccount: signs('getAccount', ({ path }) => ({ address: it.accounts[Number(/(\d+)$/.exec(path)[1])], path, publicKey: '0x04' })),
      signMessage: signs('signMessage', () => ({ signature: SIGNATURE, address: A0, warnings: [] })),
      signTypedData: signs('signTypedData', () => ({ signature: SIGNATURE, address: A0, warnings: [] })),
      signTransaction: signs('signTransaction', (tx) => ({
        raw: `0x02${'cd'.repeat(40)}`,
        hash: HASH,
        from: tx.from,
        blind: false,
        warnings: [],
      })),
    },
    tron: {
      getAccount: signs('tron.getAccount', ({ path }) => ({ address: [T0, T1][Number(/(\d+)$/.exec(path)[1])], path, publicKey: '0x04' })),
      signTransaction: signs('tron.signTransaction', () => ({ txID: HASH.slice(2), signature: SIGNATURE.slice(2), warnings: [] })),
      signMessage: signs('tron.signMessage', () => ({ signature: SIGNATURE, warnings: [] })),
      signTypedData: signs('tron.signTypedData', () => ({ signature: SIGNATURE, warnings: [] })),
    },
    cosmos: {
      getAccount: signs('cosmos.getAccount', ({ path, prefix }) => ({ address: `${prefix}1own`, path, publicKey: '0x02' })),
      signAmino: signs('cosmos.signAmino', (signed) => ({ signed, signature: { signature: 'c2ln' }, warnings: [] })),
      signDirect: signs('cosmos.signDirect', () => ({ signature: { signature: 'c2ln' }, warnings: [] })),
    },
    bitcoin: {
      getAddress: signs('bitcoin.getAddress', ({ path, network }) => ({
        address: `${network}-${path.replaceAll('/', '.')}`,
        path,
        type: path.startsWith("m/86'") ? 'p2tr' : 'p2wpkh',
        publicKey: '0x02',
        script: '0x00',
      })),
      getExtendedPublicKey: signs('bitcoin.getExtendedPublicKey', ({ path }) => ({ xpub: 'xpub', path, warnings: [] })),
      signMessage: signs('bitcoin.signMessage', () => ({ signature: 'c2ln', hash: '0x00', warnings: [] })),
      signPsbt: signs('bitcoin.signPsbt', () => ({ psbt: 'c2lnbmVk', txid: HASH.slice(2), transaction: '00', warnings: [] })),
    },
  }
  return it
}

/** nodesTime gives a function that ends the time of the nodes that were asked and have not answered. It does not end by itself. */
export function nodesTime(t) {
  const limits = new Set()
  t.mock.method(AbortSignal, 'timeout', () => {
    const limit = new AbortController()
    limits.add(limit)
    return limit.signal
  })
  return () => {
    for (const limit of limits) limit.abort(new DOMException('The operation timed out.', 'TimeoutError'))
    limits.clear()
  }
}

/**
 * fakeNode starts a JSON-RPC node. answers has a value, or a function of the params, for each method. A thrown object becomes the error.
 * replies has functions that write the whole response. headers and path are those of the last request.
 */
export async function fakeNode(t, more = {}) {
  const node = {
    asked: [],
    replies: Object.create(null),
    answers: {
      eth_chainId: '0x1',
      eth_getTransactionCount: '0x7',
      eth_estimateGas: '0x5208',
      eth_gasPrice: '0x3b9aca00',
      eth_feeHistory: {
        baseFeePerGas: ['0x3', '0x4', '0x5', '0x64'],
        reward: [['0x0'], ['0x9'], ['0x2'], ['0x4']],
        gasUsedRatio: [],
        oldestBlock: '0x1',
      },
      eth_sendRawTransaction: HASH,
      ...more,
    },
  }
  const server = createServer(async (request, response) => {
    let body = ''
    for await (const chunk of request) body += chunk
    node.headers = request.headers
    node.path = request.url
    if (node.reply) return node.reply(response, body)
    const { id, method, params } = JSON.parse(body)
    node.asked.push([method, params])
    if (node.replies[method]) return node.replies[method](response, id)
    const answer = { jsonrpc: '2.0', id }
    try {
      if (!(method in node.answers)) throw { code: -32601, message: `the method ${method} does not exist` }
      const given = node.answers[method]
      answer.result = await (typeof given === 'function' ? given(...params) : given)
    } catch (error) {
      answer.error = error
    }
    response.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  node.url = `http://127.0.0.1:${server.address().port}/secret-key`
  node.methods = () => node.asked.map(([method]) => method)
  return node
}

/** until resolves when the condition is true, which is checked after every turn of the event loop. It rejects after 20 s, so that no test spins. */
export async function until(condition) {
  for (const end = Date.now() + 20_000; !condition();) {
    if (Date.now() > end) throw new Error(`still not true: ${condition}`)
    await new Promise(setImmediate)
  }
}
