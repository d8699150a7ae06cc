import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, wanted } from './channel'

interface Provider {
  request(request: { method: string; signal?: AbortSignal }): Promise<unknown>
}

/** page loads the provider's script into a page of its own, with a relay that writes down what it is sent. */
async function page() {
  const target = new EventTarget()
  Object.assign(globalThis, {
    addEventListener: (name: string, listener: EventListener) => target.addEventListener(name, listener),
    removeEventListener: (name: string, listener: EventListener) => target.removeEventListener(name, listener),
    dispatchEvent: (event: Event) => target.dispatchEvent(event),
  })
  let channel = ''
  target.addEventListener(wanted, (event) => (channel = (event as CustomEvent<string>).detail))
  let provider!: Provider
  target.addEventListener('eip6963:announceProvider', (event) => ({ provider } = (event as CustomEvent<{ provider: Provider }>).detail))
  await import('./inpage')
  const names = named(channel)
  const sent: unknown[] = []
  target.addEventListener(names.toWallet, (event) => sent.push(JSON.parse((event as CustomEvent<string>).detail)))
  const tell = (name: string, detail: unknown) => target.dispatchEvent(new CustomEvent(name, { detail }))
  return {
    provider,
    sent: () => sent.splice(0),
    say: (message: object) => tell(names.toPage, JSON.stringify(message)),
    lose: () => tell(names.lost, null),
    end: (reason: string) => {
      tell(names.lost, null)
      tell(names.ended, reason)
    },
    know: (reason: string) => tell(names.ended, reason),
  }
}

const hello = { type: 'hello', v: 2, sdk: 'imkey-extension' }
const request = (id: number, method: string) => ({ type: 'request', id, method, params: [] })
const error = { code: 4900, message: 'gone', data: { code: 'aborted', reason: 'broker-gone', retryable: true } }

/** rejects checks the code and the data of a request's error. */
async function rejects(answer: Promise<unknown>, code: number, data: object) {
  const thrown = (await answer.then(
    () => ({}),
    (error: unknown) => error,
  )) as { code: number; data: object }
  assert.equal(thrown.code, code)
  assert.deepEqual(thrown.data, data)
}

const welcome = { type: 'welcome', v: 1, broker: '1.0.0', accounts: [] }
const stopped = { code: 'aborted', reason: 'wallet-stopped', retryable: true }

test('what a wallet cannot have received is sent to the next one, and nothing else is', async () => {
  const { provider, sent, say, end, lose, know } = await page()
  const first = provider.request({ method: 'first' })
  assert.deepEqual(sent(), [hello, request(1, 'first')])
  say(welcome)
  // The page asks again as soon as it hears of the error, while the old wallet's port is still open.
  const second = first.catch(() => provider.request({ method: 'second' }))
  say({ type: 'error', id: 1, ...error })
  await rejects(first, error.code, error.data)
  say({ type: 'bye' })
  const controller = new AbortController()
  const third = provider.request({ method: 'third', signal: controller.signal })
  controller.abort()
  await rejects(third, -32603, { code: 'aborted', retryable: true })
  sent()
  end('stopped')
  assert.deepEqual(sent(), [hello, request(2, 'second')])
  // The next port reaches the old wallet once more, and the one after it no wallet at all.
  say({ type: 'bye' })
  end('stopped')
  assert.deepEqual(sent(), [hello, request(2, 'second')])
  end('stopped')
  assert.deepEqual(sent(), [hello, request(2, 'second')])
  say(welcome)
  say({ type: 'result', id: 2, result: 'done' })
  assert.equal(await second, 'done')

  // A wallet that ends without a word may have received everything.
  const lost = provider.request({ method: 'lost' })
  end('stopped')
  await rejects(lost, 4900, stopped)
  assert.deepEqual(sent(), [request(4, 'lost'), hello])

  // A wallet that never comes is not waited for without end.
  const never = provider.request({ method: 'never' })
  for (let i = 0; i < 5; i++) end('stopped')
  await rejects(never, 4900, stopped)
  assert.equal(sent().filter((message) => (message as { method?: string }).method === 'never').length, 5)

  // A page that is refused hears why, and does not ask again by itself.
  sent()
  const refused = provider.request({ method: 'refused' })
  say({ type: 'error', id: null, code: 4100, message: 'no', data: { code: 'permission-denied', retryable: false } })
  end('stopped')
  await rejects(refused, 4100, { code: 'permission-denied', retryable: false })
  assert.deepEqual(sent(), [hello, request(6, 'refused')])

  // What was asked of a wallet that is gone waits for the reason, and what is asked meanwhile for the next wallet.
  const before = provider.request({ method: 'before' })
  say(welcome)
  lose()
  const after = provider.request({ method: 'after' })
  assert.deepEqual(sent(), [hello, request(7, 'before'), hello, request(8, 'after')])
  know('stopped')
  await rejects(before, 4900, stopped)
  say(welcome)
  say({ type: 'result', id: 8, result: 'done' })
  assert.equal(await after, 'done')

  // A wallet that cannot be started ends everything, and is started again only for the next request.
  const down = provider.request({ method: 'down' })
  sent()
  know('unreachable')
  await rejects(down, 4900, stopped)
  assert.deepEqual(sent(), [])

  // An extension that is gone takes nothing any more.
  const early = provider.request({ method: 'early' })
  say(welcome)
  lose()
  const late = provider.request({ method: 'late' })
  know('updated')
  for (const each of [early, late]) await rejects(each, 4900, { code: 'aborted', reason: 'wallet-updated', retryable: false })
})
