import assert from 'node:assert/strict'
import { test } from 'node:test'
import { named, wanted } from './channel'

interface Provider {
  request(request: { method: string; signal?: AbortSignal }): Promise<unknown>
}

/** page loads the provider's script into a page of its own, with a relay that writes down what it is sent. */
async function page() {
  const target = new EventTarget()
  const { addEventListener, removeEventListener, dispatchEvent } = EventTarget.prototype
  Object.assign(globalThis, {
    addEventListener: addEventListener.bind(target),
    removeEventListener: removeEventListener.bind(target),
    dispatchEvent: dispatchEvent.bind(target),
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
    end: (reason: string) => tell(names.ended, reason),
  }
}

const hello = { type: 'hello', v: 1, sdk: 'imkey-extension' }
const request = (id: number, method: string) => ({ type: 'request', id, method, params: [] })
const error = { code: 4900, message: 'gone', data: { code: 'aborted', reason: 'broker-gone', retryable: true } }

test('what a wallet that goes did not receive is sent to the next one, and nothing else is', async () => {
  const { provider, sent, say, end } = await page()
  const first = provider.request({ method: 'first' })
  assert.deepEqual(sent(), [hello, request(1, 'first')])
  // The page asks again as soon as it hears of the error, while the old wallet's port is still open.
  const second = first.catch(() => provider.request({ method: 'second' }))
  say({ type: 'error', id: 1, ...error })
  say({ type: 'bye' })
  await assert.rejects(first)
  const controller = new AbortController()
  const third = provider.request({ method: 'third', signal: controller.signal })
  controller.abort()
  await assert.rejects(third, { code: -32603 })
  const held = sent()
  end('stopped')
  const again = sent()
  assert.deepEqual(again[0], hello)
  assert.deepEqual(again.slice(1), [request(2, 'second')])
  assert.ok(held.length <= 1, JSON.stringify(held))
  say({ type: 'result', id: 2, result: 'done' })
  assert.equal(await second, 'done')

  // A wallet that ends without a word may have received everything.
  const lost = provider.request({ method: 'lost' })
  end('stopped')
  await assert.rejects(lost, { code: 4900, data: { code: 'aborted', reason: 'wallet-stopped', retryable: true } })
  assert.deepEqual(sent(), [request(4, 'lost'), hello])

  // An extension that is gone takes nothing any more.
  say({ type: 'bye' })
  const late = provider.request({ method: 'late' })
  end('updated')
  await assert.rejects(late, { code: 4900, data: { code: 'aborted', reason: 'wallet-updated', retryable: false } })
  assert.deepEqual(sent(), [])
})
