import assert from 'node:assert/strict'
import { test } from 'node:test'
import { longest, named, wanted } from './channel'

test('what waits for an extension that does not answer is bounded, and ends', async () => {
  const target = new EventTarget()
  const runtime: { id: string | undefined; sendMessage(): Promise<unknown> } = { id: 'a', sendMessage: () => new Promise(() => {}) }
  Object.assign(globalThis, {
    addEventListener: (name: string, listener: EventListener) => target.addEventListener(name, listener),
    removeEventListener: (name: string, listener: EventListener) => target.removeEventListener(name, listener),
    dispatchEvent: (event: Event) => target.dispatchEvent(event),
    chrome: { runtime, storage: { sync: { get: async () => ({}) } } },
  })
  const names = named('channel')
  const ends: string[] = []
  let ended = () => {}
  target.addEventListener(names.ended, (event) => {
    ends.push((event as CustomEvent<string>).detail)
    ended()
  })
  await import('./relay')
  target.dispatchEvent(new CustomEvent(wanted, { detail: 'channel' }))
  const send = (length: number) => target.dispatchEvent(new CustomEvent(names.toWallet, { detail: 'x'.repeat(length) }))
  for (let i = 0; i < 256; i++) send(longest)
  assert.deepEqual(ends, [])
  send(1)
  assert.deepEqual(ends, ['unreachable'])
  send(longest) // there is room again
  assert.deepEqual(ends, ['unreachable'])
  // The extension is removed: nothing waits any more, and the timer ends.
  const over = new Promise<void>((resolve) => (ended = resolve))
  runtime.id = undefined
  await over
  assert.deepEqual(ends, ['unreachable', 'updated'])
})
