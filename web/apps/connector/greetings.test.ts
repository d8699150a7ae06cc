import assert from 'node:assert/strict'
import { test } from 'node:test'
import { alive, type Asking, attend, type Connect, greetings, isSite, type Opened } from './greetings'

const hello = 'imkey-connector hello'

function opened(hash: string) {
  const told: [unknown, string][] = []
  const connected: string[] = []
  let listener: (event: MessageEvent) => void = () => {}
  const window: Opened = {
    opener: { postMessage: (message: unknown, origin: unknown) => void told.push([message, origin as string]) },
    location: { hash },
    addEventListener: (_, f) => (listener = f),
  }
  greetings(window, (origin) => void connected.push(origin))
  const say = (data: unknown, origin: string, ports: unknown[] = [{}]) => listener({ data, origin, ports } as unknown as MessageEvent)
  return { told, connected, say }
}

test('the window tells only the origin that its address names, and believes only what the browser says of who greets', () => {
  const { told, connected, say } = opened('#https://dapp.example')
  assert.deepEqual(told, [['imkey-connector ready', 'https://dapp.example']])
  say(hello, 'https://other.example')
  assert.deepEqual(connected, ['https://other.example'])
})

test('an address that names no site tells no one', () => {
  for (const hash of [
    '',
    '#',
    '#null',
    '#*',
    '#/',
    '#https://dapp.example/path',
    '#http://dapp.example',
    '#javascript:1',
    '#https://user@dapp.example',
  ]) {
    assert.deepEqual(opened(hash).told, [], hash)
  }
})

test('pages without an origin of their own, and messages of another form, get no port', () => {
  const { connected, say } = opened('')
  for (const origin of ['null', '', 'file://', 'http://dapp.example', 'chrome-extension://abcdef', 'https://', 'data:', 'about:blank'])
    say(hello, origin)
  for (const data of [
    undefined,
    null,
    {},
    { toString: () => hello },
    [hello],
    hello + ' ',
    'imkey-connector ready',
    '__proto__',
    'x'.repeat(50 << 20),
  ]) {
    say(data, 'https://dapp.example')
  }
  say(hello, 'https://dapp.example', [])
  say(hello, 'https://dapp.example', [{}, {}])
  assert.deepEqual(connected, [])
})

test('look-alikes are other sites', () => {
  const { connected, say } = opened('')
  for (const origin of ['https://dapp.example', 'https://dapp.example.evil.example', 'https://xn--dpp-7cd.example']) say(hello, origin)
  assert.equal(new Set(connected).size, 3)
  assert.equal(isSite('https://dаpp.example'), false) // with a Cyrillic letter: no browser writes an origin like that
})

/** clock replaces the timers. pass lets time pass, and timers are those that run. */
function clock() {
  const timers = new Set<{ f: () => void; every: number; next: number }>()
  let now = 0
  Object.assign(globalThis, {
    setInterval: (f: () => void, every: number) => {
      const timer = { f, every, next: now + every }
      timers.add(timer)
      return timer
    },
    clearInterval: (timer: never) => timers.delete(timer),
  })
  const pass = (ms: number) => {
    for (const end = now + ms; now < end; now += 100) {
      for (const timer of timers) {
        if (timer.next > now + 100) continue
        timer.next += timer.every
        timer.f()
      }
    }
  }
  return { timers, pass }
}

/** bounded is a broker that takes some ports at a time, as the real one does. A page that says bye has its port closed. */
function bounded(most: number) {
  const broker = { open: 0, refused: 0, most: 0 }
  const connect = ({ post, close }: Parameters<Connect>[0]) => {
    if (broker.open === most) {
      broker.refused++
      post('{"type":"error"}')
      close()
      return { receive: () => {}, closed: () => {} }
    }
    broker.most = Math.max(broker.most, ++broker.open)
    let open = true
    const closed = () => {
      if (open) broker.open--
      open = false
    }
    const receive = (data: unknown) => {
      if (data !== '{"type":"bye"}') return
      closed()
      close()
    }
    return { receive, closed }
  }
  return { broker, connect }
}

function handed(connect: Connect) {
  const port = { closed: 0, postMessage() {}, close: () => port.closed++, onmessage: null as unknown }
  attend(port as unknown as MessagePort, connect)
  return { port, say: (data: string) => (port.onmessage as (event: { data: string }) => void)?.({ data }) }
}

test('a page that is loaded again and again always gets a port, and leaves nothing behind', () => {
  const { timers, pass } = clock()
  const { broker, connect } = bounded(64)
  let last: ReturnType<typeof handed> | undefined
  let listener: (event: MessageEvent) => void = () => {}
  greetings({ opener: null, location: { hash: '' }, addEventListener: (_, f) => (listener = f) }, (_, port) => {
    attend(port, connect)
    last = { port: port as never, say: (data) => port.onmessage?.({ data } as MessageEvent) }
  })
  const load = () => {
    const port = { closed: 0, postMessage() {}, close: () => port.closed++, onmessage: null }
    listener({ data: hello, origin: 'https://dapp.example', ports: [port] } as unknown as MessageEvent)
  }
  for (let i = 0; i < 200; i++) {
    load()
    last!.say('{"type":"bye"}')
  }
  assert.deepEqual(broker, { open: 0, refused: 0, most: 1 })
  assert.equal(timers.size, 0, 'after a goodbye')
  for (let i = 0; i < 200; i++) {
    load() // the page before crashed: it said nothing
    pass(2000)
  }
  assert.equal(broker.refused, 0)
  assert.ok(broker.most <= 12, `${broker.most} ports at a time`)
  pass(20_000)
  assert.deepEqual([broker.open, timers.size], [0, 0])
})

test('a page cannot take ports without end', () => {
  const { timers, pass } = clock()
  const { broker, connect } = bounded(64)
  const ports = Array.from({ length: 10_000 }, () => handed(connect).port)
  assert.equal(broker.open, 64)
  assert.equal(timers.size, 64, 'no timer is left of a port that was refused')
  assert.equal(ports.filter(({ closed }) => closed === 1).length, 10_000 - 64)
  pass(20_000)
  assert.deepEqual([broker.open, timers.size], [0, 0])
  assert.ok(ports.every(({ closed }) => closed === 1))
})

test('a site whose process ended is gone within two seconds, and one that is only busy or took the frame out is not', () => {
  const { pass } = clock()
  const attended = (source?: object) => {
    const said: unknown[] = []
    let gone = 0
    const port = { postMessage: (data: unknown) => void said.push(data), close() {}, onmessage: undefined as unknown }
    attend(port as unknown as MessagePort, () => ({ receive: () => {}, closed: () => gone++ }), source as Asking)
    const answer = () => (port.onmessage as (event: { data: string }) => void)({ data: '!' })
    return { said, answer, gone: () => gone }
  }
  const frame = { closed: false }
  const crashed = attended({ [alive]: frame })
  const busy = attended({ [alive]: { closed: false } })
  const none = attended({
    get [alive]() {
      throw new DOMException('another origin', 'SecurityError')
    },
  })
  pass(1600)
  frame.closed = true
  pass(1900)
  assert.deepEqual([crashed.gone(), busy.gone(), none.gone()], [1, 0, 0])
  assert.deepEqual(crashed.said.slice(-2), ['?', '{"type":"bye"}'])
  pass(10_000)
  assert.deepEqual([busy.gone(), none.gone()], [0, 0])
  busy.answer()
  pass(8000)
  assert.deepEqual([crashed.gone(), busy.gone(), none.gone()], [1, 0, 1], 'one that answers nothing for long is gone, too')

  const taken = { closed: false }
  const page = attended({ [alive]: taken })
  pass(800)
  taken.closed = true
  for (let i = 0; i < 50; i++) {
    pass(400)
    if (page.said.at(-1) === '?') page.answer()
  }
  assert.equal(page.gone(), 0)
})
