import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attention, deliberately, lookFor, type Obstacle, type Room, roomObstacle, type Sight } from './attention'

function watched(texts = 0) {
  let changed = () => {}
  const state: { attended: boolean; obstacle?: 'small' | 'off-screen' } = { attended: true }
  const sight: Sight = {
    attended: () => state.attended,
    obstacle: () => state.obstacle,
    watch: (f) => ((changed = f), () => (changed = () => {})),
  }
  const heard: boolean[] = []
  const said: (Obstacle | undefined)[] = []
  const attention = new Attention(sight, texts, (ready, obstacle) => {
    if (heard.at(-1) !== ready && (heard.length > 0 || ready)) heard.push(ready)
    if (said.at(-1) !== obstacle) said.push(obstacle)
  })
  const set = (attended: boolean) => ((state.attended = attended), changed())
  const size = (obstacle?: 'small' | 'off-screen') => {
    if (obstacle) state.obstacle = obstacle
    else delete state.obstacle
    changed()
  }
  return { attention, heard, said, state, set, size }
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

test('the texts have to be in view for half a second, and may be scrolled away then', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention, said, set } = watched(2)
  t.mock.timers.tick(5 * lookFor)
  assert.deepEqual([attention.ready, said], [false, []], 'nothing is known of the texts yet')
  attention.textInView(0, true)
  attention.textInView(1, false)
  t.mock.timers.tick(5 * lookFor)
  assert.deepEqual([attention.ready, said], [false, ['unseen']])
  attention.textInView(0, false)
  attention.textInView(1, true)
  t.mock.timers.tick(lookFor - 1)
  set(false) // the window was left too early
  t.mock.timers.tick(5 * lookFor)
  assert.equal(attention.ready, false)
  set(true)
  t.mock.timers.tick(lookFor)
  assert.equal(attention.ready, true, 'each was seen, one after the other')
  attention.textInView(1, false)
  assert.equal(attention.ready, true)
  assert.deepEqual(said, ['unseen', undefined])
})

test('short looks at a text never add up', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  const { attention } = watched(1)
  for (let i = 0; i < 20; i++) {
    attention.textInView(0, true)
    t.mock.timers.tick(lookFor - 100)
    attention.textInView(0, false)
  }
  t.mock.timers.tick(5 * lookFor)
  assert.equal(attention.ready, false)
})

test('a window that is too small, or off the screen, is not seen', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] })
  for (const obstacle of ['small', 'off-screen'] as const) {
    const { attention, said, size } = watched(1)
    size(obstacle)
    attention.textInView(0, true)
    t.mock.timers.tick(5 * lookFor)
    assert.deepEqual([attention.ready, said], [false, [obstacle]])
    size()
    t.mock.timers.tick(lookFor - 1)
    assert.equal(attention.ready, false)
    t.mock.timers.tick(1)
    assert.equal(attention.ready, true)
    size(obstacle)
    assert.equal(attention.ready, false, 'at once')
  }
})

test('what a site may do to the size and the place of a window', () => {
  const screen = { availWidth: 1440, availHeight: 870, availLeft: 0, availTop: 25 }
  /** A window by what is inside it; the browser adds a title bar. zoom is that of the page. */
  const room = (width: number, height: number, left = 100, top = 50, zoom = 1): Room => ({
    innerWidth: width / zoom,
    innerHeight: height / zoom,
    outerWidth: width,
    outerHeight: height + 28,
    screenX: left,
    screenY: top,
    screen,
  })
  for (const [name, given, wanted] of [
    ['what the SDK opens', room(440, 760), undefined],
    ['what the extension opens', room(420, 720), undefined],
    ['the least', room(320, 480), undefined],
    ['narrow', room(319, 760), 'small'],
    ['low', room(440, 479), 'small'],
    ['a strip along the screen', room(1440, 60, 0), 'small'],
    ['tiny', room(1, 1), 'small'],
    ['at a zoom of 200 %', room(440, 760, 100, 50, 2), 'small'],
    ['maximised at a zoom of 400 %', room(1440, 842, 0, 25, 4), undefined],
    ['half off the left edge', room(440, 760, -220), 'off-screen'],
    ['its frame off the left edge', room(440, 760, -7), undefined],
    ['off the right edge', room(440, 760, 1400), 'off-screen'],
    ['below the screen', room(440, 760, 100, 600), 'off-screen'],
    ['above the screen, so that only the button is seen', room(440, 760, 100, -200), 'off-screen'],
    ['far away', room(440, 760, -9000, -9000), 'off-screen'],
  ] as const) {
    assert.equal(roomObstacle(given), wanted, name)
  }
  // A second screen to the left, a phone in landscape, and a browser that says nothing of the screen's edges.
  const second = { availWidth: 1280, availHeight: 1000, availLeft: -1280, availTop: 0 }
  assert.equal(roomObstacle({ ...room(440, 760, -1000, 50), screen: second }), undefined)
  const phone = { availWidth: 800, availHeight: 360 }
  const tab = { innerWidth: 800, innerHeight: 300, outerWidth: 800, outerHeight: 360, screenX: 0, screenY: 0, screen: phone }
  assert.equal(roomObstacle(tab), undefined)
  assert.equal(roomObstacle({ ...tab, innerWidth: 200, outerWidth: 210 }), 'small')
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
