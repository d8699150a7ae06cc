import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Review } from 'imkey-connect/broker'
import type { Task } from './tasks'
import { Screens } from './screens'

const review = (id: string) => ({ id, origin: 'https://a.example', what: { kind: 'accounts' } }) as unknown as Review

test('after a window that could not be opened, the next failure is said in a window', async () => {
  const opened: string[] = []
  let fails = true
  const sendMessage = async (task: Task) => {
    if (task.do !== 'window') return { result: undefined }
    if (fails) return { failed: 'no window' }
    opened.push(task.url)
    return { result: opened.length }
  }
  Object.assign(globalThis, { chrome: { runtime: { sendMessage } } })
  const screens = new Screens(
    () => {},
    () => undefined,
  )
  await assert.rejects(screens.ask(review('1'), new AbortController().signal), /no window/)
  fails = false
  screens.unreached('no-device')
  assert.equal(opened.length, 1)
})
