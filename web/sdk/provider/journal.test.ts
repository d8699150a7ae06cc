import assert from 'node:assert/strict'
import { test } from 'node:test'
import { toBytes } from './hex'
import { type Entry, fingerprint, isFresh, isRecent, Journal } from './journal'
import { journalStore, type JournalStore, MemoryStore } from './journalstore'
import { keccak256 } from './keccak'
import { checkCounts, nextNonce, transactionCounts, waiting } from './nonce'

const from = `0x${'1a'.repeat(20)}`
const hashOf = (raw: string) => `0x${keccak256(toBytes(raw))}`

function entry(more: Partial<Entry> = {}): Entry {
  const raw = more.raw ?? `0x02${(more.nonce ?? 7).toString(16).padStart(8, '0')}`
  const request = 'ab'.repeat(32)
  return { chainId: 1, from, nonce: 7, hash: hashOf(raw), raw, request, at: Date.now(), state: 'sent', nodes: ['node.example'], ...more }
}

/** claims is a store to which others can write. */
function claims(): { store: JournalStore; values: Map<string, unknown> } {
  const values = new Map<string, unknown>()
  const memory = new MemoryStore()
  const store: JournalStore = {
    trusted: false,
    list: async (prefix) => [...values].filter(([key]) => key.startsWith(prefix)),
    put: async (key, value) => void values.set(key, structuredClone(value)),
    delete: async (key) => void values.delete(key),
    exclusive: (...args) => memory.exclusive(...args),
    busy: (name) => memory.busy(name),
  }
  return { store, values }
}

/** Digests of n bytes 0xa3, from golang.org/x/crypto/sha3. The lengths are around multiples of the rate, 136 bytes. */
const KECCAK = {
  0: 'c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470',
  1: '9823c8dbb431b3225b0c5a4f0093af3af6e4edd8d2432ae9360c4e022f1ce852',
  134: '271f07179377867352a520053dbca95904a561149c3ebf5fe35255eaffd494a8',
  135: '3d28d08c3dacab77392064a939f3e7f8d03f2e02e2c664ac08a05f63ac652626',
  136: 'b82d89d96e5575d11a9e1f4cabb2a45e60899e69a19a724cd796bdcf13511018',
  137: 'ec8008a74e50bc7d6b22c3ad85402bf10e6d4449f3c8618e36c461b8a44eeafb',
  271: '4f073300c4baf7a364519ec173f5e70e334c954bd56f2d79a4c4f0d3698c8dce',
  272: 'a657381e5615f539cac71f13c74473a5e77eaa2bd8348422dcac221c8f13da94',
  1000: 'd7bf35851ae6462cce5a6a70fded315bf92997673e2ce92efd545ae9aec2b471',
}

test('keccak256 hashes inputs of any length', () => {
  for (const [length, digest] of Object.entries(KECCAK)) assert.equal(keccak256(new Uint8Array(Number(length)).fill(0xa3)), digest, length)
})

test('a site owns its own entries alone, and waits for no other site', async () => {
  const { store } = claims()
  const [a, b, alone] = [new Journal(store, 'https://a.example'), new Journal(store, 'https://b.example'), new Journal(store)]
  const own = entry({ site: 'https://a.example' })
  assert.deepEqual(
    [a, b, alone].map((journal) => journal.isOwn(own)),
    [true, false, false],
  )
  assert.equal(alone.isOwn(entry()), true)
  let end = () => {}
  const first = a.exclusive(1, from, undefined, () => new Promise<void>((resolve) => (end = resolve)))
  assert.equal(await b.exclusive(1, from, undefined, async () => 'b'), 'b')
  const done: string[] = []
  const second = a.exclusive(1, from, undefined, async () => void done.push('second'))
  assert.equal(await alone.exclusive(1, from, undefined, async () => 'alone'), 'alone')
  assert.deepEqual(done, [])
  end()
  await Promise.all([first, second])
  assert.deepEqual(done, ['second'])
})

test('entries are listed by nonce and time, for one account on one chain', async () => {
  const { store } = claims()
  const journal = new Journal(store)
  const at = Date.now() - 5
  const entries = [
    entry({ nonce: 10 }),
    entry({ nonce: 9, raw: '0x0201', at: at + 1 }),
    entry({ nonce: 9, raw: '0x0202', at }),
    entry({ nonce: 9, chainId: 10 }),
    entry({ nonce: 9, from: `0x${'2b'.repeat(20)}` }),
  ]
  for (const each of entries) await journal.put(each)
  assert.deepEqual(await journal.of(1, from), [entries[2], entries[1], entries[0]])
  assert.deepEqual(await journal.of(10, from), [entries[3]])
  await journal.delete(entries[0]!)
  assert.equal((await journal.of(1, from)).length, 2)
})

test('what is no entry is deleted, and does not count', async () => {
  const { store, values } = claims()
  const journal = new Journal(store)
  const good = entry()
  await journal.put(good)
  const [key] = values.keys()
  const wrong: Record<string, unknown>[] = [
    { nonce: 2 ** 53 },
    { nonce: -1 },
    { nonce: '7' },
    { nonce: 7.5 },
    { nonce: NaN },
    { chainId: 2 },
    { chainId: {} },
    { from: `0x${'2b'.repeat(20)}` },
    { from: 5 },
    { hash: `0x${'00'.repeat(32)}` },
    { hash: null },
    { raw: '0x0203' },
    { raw: '0x' },
    { raw: `0x${'00'.repeat(300_000)}` },
    { request: 'x' },
    { at: 'now' },
    { state: 'lost' },
    { nodes: 'x' },
    { nodes: [5] },
    { nodes: ['a b'] },
    { nodes: Array.from({ length: 17 }, () => 'a') },
  ]
  const others: unknown[] = [undefined, null, 5, 'x', [], {}, new Map(), ...wrong.map((more) => ({ ...good, ...more }))]
  for (const value of others) {
    values.set(key!, value)
    assert.deepEqual(await journal.of(1, from), [], JSON.stringify(value))
    assert.equal(values.size, 0)
  }
  for (const other of ['', `1 ${from} 8 ${good.hash}`, `1 ${from} x`]) {
    values.set(other, good)
    await journal.put(entry({ nonce: 9 }))
    assert.deepEqual([...values.keys()], [`1 ${from} 9 ${entry({ nonce: 9 }).hash}`])
    values.clear()
  }
  const extra = { ...good, secret: 'x' }
  values.set(key!, extra)
  assert.deepEqual(await journal.of(1, from), [good], 'no other field is read')
})

test('an entry of a corrupt store holds up no account', async () => {
  const { store } = claims()
  const journal = new Journal(store)
  const counts = { latest: 7, pending: 7 }
  await journal.put(entry({ nonce: Number.MAX_SAFE_INTEGER }))
  await journal.put(entry({ nonce: 1_000_000 }))
  const entries = await journal.of(1, from)
  assert.deepEqual(waiting(entries, counts), [])
  checkCounts(counts, entries)
  assert.equal(nextNonce(waiting(entries, counts).flat(), entries, counts), 7)
  // An entry from the future is not fresh, so the node is asked for it.
  await journal.put(entry({ at: Date.now() + 1e12 }))
  assert.equal((await journal.of(1, from))[0]!.at, 0)
  await journal.put(entry({ at: NaN }))
  assert.equal((await journal.of(1, from))[0]!.at, 0)
})

test('the next nonce is above fresh entries, and fills gaps below others', () => {
  const counts = (pending: number) => ({ latest: pending, pending })
  const old = (nonce: number) => entry({ nonce, at: 0 })
  const next = (pending: number, ...entries: Entry[]) => nextNonce(waiting(entries, counts(pending)).flat(), entries, counts(pending))
  assert.equal(next(7), 7)
  assert.equal(next(7, entry({ nonce: 5 }), entry({ nonce: 6 })), 7)
  assert.equal(next(7, entry({ nonce: 7 }), entry({ nonce: 9 })), 10)
  assert.equal(next(7, old(7), old(9)), 8)
  assert.equal(next(7, old(7), old(8), old(10)), 9)
  assert.equal(next(7, old(9), entry({ nonce: 8 })), 10)
  assert.equal(next(7, entry({ nonce: 7 + 64 })), 7, 'too far away')
  assert.equal(next(7, entry({ nonce: 7 + 63 })), 71)
  assert.equal(next(7, entry({ nonce: 7 + 63 }), entry({ nonce: 7 + 64 })), 72, 'no nonce of an entry is given')
  assert.equal(nextNonce([], [old(7), old(8)], counts(7)), 9)
})

test('entries of one nonce are together, the newest first', () => {
  const at = Date.now()
  const [first, second, third] = [entry({ at }), entry({ at: at + 1, raw: '0x0201' }), entry({ nonce: 8 })] as const
  assert.deepEqual(waiting([entry({ nonce: 6 }), first, second, third], { latest: 7, pending: 7 }), [[second, first], [third]])
})

test('counts that are too high to be true are refused', () => {
  const high = (latest: number, pending: number, ...entries: Entry[]): unknown => {
    try {
      return checkCounts({ latest, pending }, entries)
    } catch (thrown) {
      return thrown
    }
  }
  assert.equal(high(1_000_000, 1_000_064), undefined)
  assert.match(String(high(1_000_000, 1_000_065)), /nothing was signed/)
  assert.equal(high(1007, 1007, entry()), undefined)
  assert.match(String(high(1008, 1008, entry())), /7 was signed/)
  assert.equal(high(1008, 1008, entry({ at: Date.now() - 25 * 3600_000 })), undefined)
})

test('the journal is bounded in number and size, and forgets last what may be on its way', async () => {
  const { store, values } = claims()
  const journal = new Journal(store)
  const kept = entry({ nonce: 0, state: 'sending', at: 1 })
  await journal.put(kept)
  for (let nonce = 1; nonce <= 140; nonce++) await journal.put(entry({ nonce, at: nonce + 1 }))
  assert.equal(values.size, 128)
  const nonces = (await journal.of(1, from)).map(({ nonce }) => nonce)
  assert.deepEqual([nonces[0], nonces[1], nonces.at(-1)], [0, 14, 140])
  for (let i = 0; i < 17; i++)
    await journal.put(entry({ nonce: 200 + i, raw: `0x${i.toString(16).padStart(2, '0')}${'00'.repeat(65_535)}` }))
  const digits = [...values.values()].reduce((sum: number, value) => sum + (value as Entry).raw.length, 0)
  assert.equal(digits <= 2 << 20 && digits > 1 << 20, true, String(digits))
  assert.equal((await journal.of(1, from))[0]!.nonce, 0)
})

test('work of one name is done in turn, and a failure does not stop the next', async () => {
  const store = new MemoryStore()
  const done: number[] = []
  const work = (n: number) => async () => {
    await Promise.resolve()
    done.push(n)
    if (n === 1) throw new Error('one')
    return n
  }
  const controller = new AbortController()
  const all = [1, 2, 3].map((n) => store.exclusive('a', n === 2 ? controller.signal : undefined, work(n)))
  controller.abort()
  const settled = await Promise.allSettled(all)
  assert.deepEqual(
    settled.map(({ status }) => status),
    ['rejected', 'rejected', 'fulfilled'],
  )
  assert.deepEqual(done, [1, 3])
})

test('without IndexedDB, the providers of the same devices share a store', () => {
  const usb = {}
  assert.equal(journalStore(usb), journalStore(usb))
  assert.notEqual(journalStore(usb), journalStore({}))
  assert.equal(journalStore(), journalStore())
})

/** fakeIndexedDB has one table, which is full or blocked while it fails. opened counts how often it was opened. */
function fakeIndexedDB() {
  const values = new Map<string, unknown>()
  const fake = {
    values,
    full: false,
    unreadable: false,
    forbidden: undefined as Error | undefined,
    opened: 0,
    tables: [] as string[],
    database: undefined as unknown as Database,
    open,
  }
  interface Database {
    transaction: typeof transaction
    createObjectStore(name: string): void
    closed: boolean
    close(): void
    onclose?: () => void
    onversionchange?: () => void
  }
  function open() {
    fake.opened++
    const database: Database = {
      transaction,
      createObjectStore: (name) => void fake.tables.push(name),
      closed: false,
      close: () => void (database.closed = true),
    }
    fake.database = database
    const request = { result: database, error: fake.forbidden, onupgradeneeded() {}, onsuccess() {}, onerror() {} }
    queueMicrotask(() => {
      if (fake.forbidden) return request.onerror()
      if (fake.tables.length === 0) request.onupgradeneeded()
      request.onsuccess()
    })
    return request
  }
  function transaction(_: string, mode: string) {
    if (fake.database.closed) throw new DOMException('it is closed', 'InvalidStateError')
    const fails = mode === 'readonly' ? fake.unreadable : fake.full
    const done = { error: new Error('the disk'), oncomplete: () => {}, onabort: () => {}, objectStore: () => table }
    setTimeout(() => (fails ? done.onabort() : done.oncomplete()))
    return done
  }
  const table = {
    put: (value: unknown, key: string) => void (fake.full || values.set(key, structuredClone(value))),
    delete: (key: string) => void (fake.full || values.delete(key)),
    getAllKeys: () => ({ result: [...values.keys()] }),
    getAll: () => ({ result: [...values.values()] }),
  }
  return fake
}

// The module has one store, which keeps what it opened.
const indexed = fakeIndexedDB()

async function withIndexedDB(locks: object | undefined, use: () => Promise<void>) {
  const globals = { indexedDB: indexed, IDBKeyRange: { bound: () => ({}) }, navigator: { locks } }
  const before = Object.keys(globals).map((name) => [name, Object.getOwnPropertyDescriptor(globalThis, name)] as const)
  for (const [name, value] of Object.entries(globals)) Object.defineProperty(globalThis, name, { value, configurable: true })
  try {
    await use()
  } finally {
    for (const [name, descriptor] of before) {
      if (descriptor) Object.defineProperty(globalThis, name, descriptor)
      else Reflect.deleteProperty(globalThis, name)
    }
  }
}

test('what a full store does not take is in memory, once, and the newest counts', async () => {
  const request = () => Promise.reject(new DOMException('no', 'SecurityError')) // as in a sandboxed frame
  await withIndexedDB({ request }, () => useFullStore(indexed))
})

async function useFullStore(fake: { full: boolean }) {
  const journal = new Journal(journalStore())
  const states = async () => (await journal.of(1, from)).map(({ state }) => state)
  await journal.put(entry({ state: 'sending' }))
  fake.full = true
  await journal.put(entry({ state: 'sent' }))
  assert.deepEqual(await states(), ['sent'], 'the table is full')
  fake.full = false
  assert.deepEqual(await states(), ['sent'], 'the table has the older state')
  await journal.put(entry({ state: 'sending' }))
  assert.deepEqual(await states(), ['sending'], 'memory has the older state')
  // Without locks, work still takes turns.
  const done: number[] = []
  await Promise.all([1, 2].map((n) => journal.exclusive(1, from, undefined, async () => void done.push(n))))
  assert.deepEqual(done, [1, 2])
  // What is deleted is in neither.
  fake.full = true
  await journal.put(entry({ state: 'sent' }))
  await journal.delete(entry())
  fake.full = false
  assert.deepEqual(await states(), ['sending'], 'the table has it')
  await journal.delete(entry())
  assert.deepEqual(await states(), [])
}

test('a store that was closed, or could not be opened, is opened again', async () => {
  await withIndexedDB(undefined, async () => {
    const store = journalStore()
    assert.equal(store.trusted, false)
    const lists = async () => (await store.list('')).map(([key]) => key)
    await store.put('a', 1)
    const { opened } = indexed
    assert.deepEqual([indexed.tables, await lists(), indexed.opened], [['signed'], ['a'], opened])
    indexed.database.onclose!() // the user cleared the data of the site
    assert.deepEqual([await lists(), indexed.opened], [['a'], opened + 1])
    const { database } = indexed
    database.onversionchange!() // another tab deletes it
    assert.deepEqual([database.closed, await lists(), indexed.opened], [true, ['a'], opened + 2])
    indexed.forbidden = new DOMException('forbidden', 'SecurityError')
    indexed.database.onclose!()
    await store.put('b', 2)
    await assert.rejects(lists(), unreadable)
    indexed.forbidden = undefined
    assert.deepEqual(await lists(), ['a', 'b'], 'what could not be stored is in memory')
    await store.delete('b')
    assert.deepEqual(await lists(), ['a'])
    await store.delete('a')
  })
})

const unreadable = ({ rpc }: { rpc: { reason: { code: string; retryable: boolean } } }) =>
  rpc.reason.code === 'storage' && rpc.reason.retryable

test('a store that cannot be read is not an empty one', async () => {
  const locks = { request: (_: string, __: object, work: () => unknown) => work(), query: async () => ({ held: [] }) }
  await withIndexedDB(locks, async () => {
    const journal = new Journal(journalStore())
    await journal.put(entry())
    indexed.unreadable = true
    const read = () => journal.of(1, from)
    const { database } = indexed
    await assert.rejects(read(), unreadable)
    assert.ok(database.closed, 'a connection that failed holds up no deletion of the database')
    await assert.rejects(journal.forget(1, undefined), unreadable)
    // What was signed meanwhile is kept, although the others cannot be read, and so is that it was sent.
    await journal.put(entry({ nonce: 8 }))
    await journal.sentRaw('0x02')
    indexed.unreadable = false
    assert.deepEqual(
      (await read()).map(({ nonce }) => nonce),
      [7, 8],
      'the connection was made anew',
    )
    for (const each of await read()) await journal.delete(each)
  })
})

test('a store is empty where the browser gives the origin no storage, and only there', async () => {
  const query = { allowed: async () => ({ held: [] }), refused: () => Promise.reject(new DOMException('no', 'SecurityError')) }
  const security = new DOMException('no', 'SecurityError')
  const cases: [name: string, error: Error, locks: object, blocked: boolean][] = [
    ['opaque', security, { query: query.refused }, true],
    ['forbidden by the user', new DOMException('denied', 'UnknownError'), { query: query.refused }, true],
    ['damaged', new DOMException('backing store', 'UnknownError'), { query: query.allowed }, false],
    ['of a later version', new DOMException('version', 'VersionError'), { query: query.allowed }, false],
    ['damaged, and without locks', new DOMException('backing store', 'UnknownError'), {}, false],
  ]
  for (const [name, error, locks, blocked] of cases) {
    await withIndexedDB('query' in locks ? locks : undefined, async () => {
      indexed.forbidden = error
      const store = journalStore(undefined, name)
      if (blocked) assert.deepEqual(await store.list(''), [], name)
      else await assert.rejects(store.list(''), unreadable)
      await store.put('a', 1)
      if (blocked) assert.deepEqual(await store.list(''), [['a', 1]], name)
      else await assert.rejects(store.list(''), unreadable)
    })
  }
  indexed.forbidden = undefined
})

test('with Web Locks, work waits for that of other tabs, and an error of the work is its own', async () => {
  const asked: [string, object][] = []
  let held = Promise.resolve<unknown>(undefined)
  const request = (name: string, options: { signal?: AbortSignal }, work: () => Promise<unknown>) => {
    asked.push([name, options])
    if (options.signal?.aborted) return Promise.reject(new DOMException('no', 'AbortError'))
    const turn = held.then(work)
    held = turn.catch(() => {})
    return turn
  }
  await withIndexedDB({ request }, async () => {
    const store = journalStore()
    assert.equal(await store.exclusive('x', undefined, async () => 5), 5)
    const controller = new AbortController()
    const { signal } = controller
    let runs = 0
    await assert.rejects(
      store.exclusive('x', signal, async () => {
        runs++
        throw new Error('of the work')
      }),
      /of the work/,
    )
    controller.abort()
    await assert.rejects(
      store.exclusive('x', signal, async () => runs++),
      ({ rpc }: { rpc: { reason: { code: string } } }) => rpc.reason.code === 'aborted',
    )
    assert.equal(runs, 1)
    const name = 'imkey-connect journal x'
    assert.deepEqual(asked, [
      [name, {}],
      [name, { signal }],
      [name, { signal }],
    ])
  })
})

test('the work of one name runs alone, and a signal that aborts during it does not end it', async () => {
  const store = new MemoryStore()
  assert.equal(store.trusted, true)
  const controller = new AbortController()
  let [running, most] = [0, 0]
  const work = async () => {
    most = Math.max(most, ++running)
    await new Promise((resolve) => setTimeout(resolve))
    controller.abort()
    await new Promise((resolve) => setTimeout(resolve))
    running--
    return 'done'
  }
  assert.deepEqual(await Promise.all([store.exclusive('a', controller.signal, work), store.exclusive('a', undefined, work)]), [
    'done',
    'done',
  ])
  assert.equal(most, 1)
})

test('a name is busy while work of that name runs, in this tab or another', async () => {
  const memory = new MemoryStore()
  const asks = async (store: JournalStore, busy: typeof memory.busy) => {
    assert.deepEqual([await busy('x'), await busy('y')], [false, false])
    await store.exclusive('x', undefined, async () => assert.deepEqual([await busy('x'), await busy('y')], [true, false]))
    await store.exclusive('x', undefined, async () => Promise.reject(new Error('of the work'))).catch(() => {})
    assert.equal(await busy('x'), false)
  }
  await asks(memory, (name) => memory.busy(name))
  const names = new Set<string>()
  const request = async (name: string, _: object, work: () => Promise<unknown>) => {
    names.add(name)
    await work().finally(() => names.delete(name))
  }
  const query = async () => ({ held: [...names].map((name) => ({ name })) })
  await withIndexedDB({ request, query }, async () => {
    const store = journalStore()
    await asks(store, (name) => store.busy(name))
    names.add('imkey-connect journal y')
    assert.deepEqual([await store.busy('x'), await store.busy('y')], [false, true])
  })
  const refuse = () => Promise.reject(new DOMException('no', 'SecurityError'))
  for (const locks of [undefined, { request: refuse, query: refuse }]) {
    await withIndexedDB(locks, async () => {
      const store = journalStore()
      await asks(store, (name) => store.busy(name))
    })
  }
})

test('the journal of one chain is forgotten, after what is under way', async () => {
  const { store } = claims()
  const journal = new Journal(store)
  const other = `0x${'2b'.repeat(20)}`
  for (const more of [{}, { nonce: 8 }, { from: other }, { chainId: 10 }]) await journal.put(entry(more))
  let finish = () => {}
  const under = journal.exclusive(1, other, undefined, async () => {
    await new Promise<void>((resolve) => (finish = resolve))
    await journal.put(entry({ from: other, nonce: 9 }))
  })
  const forgotten = journal.forget(1, undefined)
  setTimeout(() => finish())
  await forgotten
  await under
  assert.deepEqual([await journal.of(1, from), await journal.of(1, other)], [[], []])
  assert.equal((await journal.of(10, from)).length, 1)
})

test('a node may give no pending count, and fewer by it than by latest', async () => {
  const counts = (pending: unknown, latest: unknown) =>
    transactionCounts(from, async (_, params) => ((params as string[])[1] === 'pending' ? pending : latest))
  for (const none of [null, undefined, '0x', '0x5', 5]) assert.deepEqual(await counts(none, '0x7'), { latest: 7, pending: 7 })
  assert.deepEqual(await counts('0x9', 7), { latest: 7, pending: 9 })
  for (const wrong of ['9', '', {}, 1.5, '0x20000000000000']) await assert.rejects(counts(wrong, '0x7'), /nonce/)
  await assert.rejects(counts('0x7', null), /nonce/)
})

test('a fingerprint is the same for the same payment, without regard to fees', () => {
  const pay = { from, chainId: 1, to: from, value: '0x1', data: '0x', nonce: undefined }
  const same = fingerprint(pay)
  assert.equal(fingerprint({ ...pay, gas: '0x5208', maxFeePerGas: '0x1', maxPriorityFeePerGas: '0x1', type: 2 }), same)
  assert.equal(fingerprint({ ...pay, gasPrice: '0x1', type: 0 }), same)
  const accessList = [{ address: from, storageKeys: [] }]
  for (const more of [
    { chainId: 2 },
    { to: undefined },
    { value: '0x2' },
    { data: '0x00' },
    { nonce: '0x7' },
    { accessList },
    { from: '0x' },
  ]) {
    assert.notEqual(fingerprint({ ...pay, ...more }), same, JSON.stringify(more))
  }
  const named = { ...pay, nonce: '0x7', maxFeePerGas: '0x1' }
  assert.equal(fingerprint(named), fingerprint({ ...named }))
  assert.notEqual(fingerprint(named), fingerprint({ ...named, maxFeePerGas: '0x2' }))
})

test('an entry is fresh for ten minutes, recent for a day, and at most a minute ahead', async (t) => {
  const now = Date.UTC(2026, 0)
  t.mock.timers.enable({ apis: ['Date'], now })
  const aged = (age: number) => entry({ at: now - age })
  assert.deepEqual([isFresh(aged(600_000 - 1)), isFresh(aged(600_000))], [true, false])
  assert.deepEqual([isRecent(aged(86_400_000 - 1)), isRecent(aged(86_400_000))], [true, false])
  const journal = new Journal(claims().store)
  for (const [ahead, at] of [
    [59_999, now + 59_999],
    [60_000, 0],
  ] as const) {
    await journal.put(entry({ at: now + ahead }))
    assert.equal((await journal.of(1, from))[0]!.at, at)
  }
})

test('the largest entry and the largest journal are kept', async () => {
  const { store, values } = claims()
  const journal = new Journal({ ...store, trusted: true }) // hashes are not checked, which would take seconds here
  const put = (nonce: number, raw: string, more: Partial<Entry> = {}) => journal.put({ ...entry({ nonce }), raw, ...more })
  const raw = (i: number, digits: number) => `0x${i.toString(16).padStart(2, '0')}${'00'.repeat((digits - 4) / 2)}`
  const nodes = Array.from({ length: 16 }, (_, i) => `node${i}.example`)
  const largest = 399_998
  for (let i = 0; i < 5; i++) await put(i, raw(i, largest), { nodes })
  await put(5, raw(5, (2 << 20) - 5 * largest))
  assert.equal((await journal.of(1, from)).length, 6)
  await put(6, '0x06')
  assert.equal(values.size, 6, 'the next one drops another')
  await put(7, raw(7, largest + 2))
  assert.deepEqual(
    (await journal.of(1, from)).filter(({ nonce }) => nonce === 7),
    [],
    'a larger one is none',
  )
})

test('of many entries, those that may be on their way stay, whatever their age', async () => {
  const journal = new Journal(claims().store)
  const sending = [1, 70, 140]
  for (let nonce = 1; nonce <= 140; nonce++) {
    await journal.put(entry({ nonce, at: nonce, state: sending.includes(nonce) ? 'sending' : 'sent' }))
  }
  for (let nonce = 141; nonce <= 300; nonce++) await journal.put(entry({ nonce, at: nonce }))
  const kept = await journal.of(1, from)
  assert.deepEqual(
    kept.filter(({ state }) => state === 'sending').map(({ nonce }) => nonce),
    sending,
  )
  assert.deepEqual([kept.length, kept.at(-1)!.nonce, kept[3]!.nonce], [128, 300, 176])
})

test('a transaction that the dApp sends itself is sent, in capitals too', async () => {
  const journal = new Journal(claims().store)
  await journal.put(entry({ state: 'signed', raw: '0x02ab' }))
  await journal.put(entry({ state: 'signed', raw: '0x02cd', nonce: 8 }))
  const states = async () => (await journal.of(1, from)).map(({ state }) => state)
  for (const raw of [undefined, 5, '0x02', '0x02ef']) await journal.sentRaw(raw)
  assert.deepEqual(await states(), ['signed', 'signed'])
  await journal.sentRaw('0x02AB')
  assert.deepEqual(await states(), ['sent', 'signed'])
})

test('a count that is far above the first nonce is refused', () => {
  assert.throws(() => checkCounts({ latest: 1001, pending: 1001 }, [entry({ nonce: 0 })]), /0 was signed within a day/)
})
