import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attention, deliberately, lookFor, type Sight } from './attention'

function watched() {
  let changed = () => {}
  const state = { attended: true }
  const sight: Sight = { attended: () => state.attended, watch: (f) => ((changed = f), () => (changed = () => {})) }
  const heard: boolean[] = []
  const attention = new Attention(sight, (ready) => heard.push(ready))
  return { attention, heard, state, set: (attended: boolean) => ((state.attended = attended), changed()) }
}

test('it is ready after half a second without interruption', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention, heard, set } = watched()
  t.mock.timers.tick(lookFor - 1)
  assert.equal(attention.ready, false)
  t.mock.timers.tick(1)
  assert.equal(attention.ready, true)
  set(false)
  assert.equal(attention.ready, false, 'at once')
  set(true)
  t.mock.timers.tick(lookFor - 1)
  assert.equal(attention.ready, false, 'it begins again')
  t.mock.timers.tick(1)
  assert.deepEqual(heard, [true, false, true])
})

test('many short interruptions never add up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention, heard, set } = watched()
  for (let i = 0; i < 20; i++) {
    t.mock.timers.tick(lookFor - 100)
    set(false)
    set(true)
  }
  assert.deepEqual([attention.ready, heard], [false, []])
})

test('a window that loses the focus without an event is not ready', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention, state } = watched()
  state.attended = false
  t.mock.timers.tick(lookFor)
  assert.equal(attention.ready, false)
  state.attended = true
  t.mock.timers.tick(10 * lookFor)
  assert.equal(attention.ready, false, 'no event said that it is back')
  const again = watched()
  t.mock.timers.tick(lookFor)
  again.state.attended = false
  assert.equal(again.attention.ready, false, 'asked at the press')
})

test('a button that is covered or scrolled away is not seen', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention } = watched()
  attention.inView(false)
  t.mock.timers.tick(5 * lookFor)
  assert.equal(attention.ready, false)
  attention.inView(true)
  t.mock.timers.tick(lookFor)
  assert.equal(attention.ready, true)
  attention.inView(false)
  assert.equal(attention.ready, false)
  attention.inView(true)
  attention.stop()
  t.mock.timers.tick(5 * lookFor)
  assert.equal(attention.ready, false)
})

/** A button without a page: what the code uses of it. */
class Target extends EventTarget {
  fire(type: string, detail: object): boolean {
    return this.dispatchEvent(Object.assign(new Event(type, { cancelable: true }), detail))
  }
}

test('only a press that began when it was allowed counts', () => {
  let allowed = false
  let presses = 0
  const button = new Target()
  deliberately(
    button as unknown as HTMLElement,
    () => allowed,
    () => presses++,
  )
  const count = () => presses

  button.fire('pointerdown', {})
  allowed = true
  button.fire('click', { detail: 1 })
  assert.equal(count(), 0, 'the pointer went down before')
  button.fire('pointerdown', {})
  button.fire('click', { detail: 2 })
  assert.equal(count(), 0, 'the second click of a double click')
  button.fire('click', { detail: 1 })
  assert.equal(count(), 0, 'a click whose pointer went down elsewhere')
  button.fire('pointerdown', {})
  button.fire('pointercancel', {})
  button.fire('click', { detail: 1 })
  assert.equal(count(), 0)
  button.fire('pointerdown', {})
  allowed = false
  button.fire('click', { detail: 1 })
  assert.equal(count(), 0, 'the focus went away meanwhile')
  allowed = true
  button.fire('pointerdown', {})
  button.fire('click', { detail: 1 })
  assert.equal(count(), 1)

  for (const key of ['Enter', ' ']) {
    assert.equal(button.fire('keydown', { key, repeat: true }), false, 'a key that was held down makes no click')
    allowed = false
    assert.equal(button.fire('keydown', { key, repeat: false }), false)
    allowed = true
    assert.equal(button.fire('keydown', { key, repeat: false }), true)
  }
  assert.equal(button.fire('keydown', { key: 'Tab', repeat: true }), true)
  button.fire('click', { detail: 0 })
  assert.equal(count(), 2, 'the keyboard, or a program that reads the screen')
})
