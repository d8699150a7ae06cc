// What a user does with the simulated device on its page: presses and holds its buttons, and reads its screen.
globalThis.hand = (() => {
  const lines = () => [...document.querySelectorAll('.screen-line')].map((line) => line.textContent)
  const knob = (button) => document.querySelector(`[data-button=${button}]`)
  const send = (element, type) => element.dispatchEvent(new PointerEvent(type, { bubbles: true, button: 0 }))

  /** Waits until the screen changes, and returns it. */
  async function turned(before) {
    const until = performance.now() + 30_000
    while (lines().join('|') === before) {
      if (performance.now() > until) throw new Error('the screen still shows ' + before)
      await new Promise(requestAnimationFrame)
    }
    return lines()
  }

  async function press(button) {
    const before = lines().join('|')
    send(knob(button), 'pointerdown')
    send(knob(button), 'pointerup')
    return turned(before)
  }

  /** Holds a button down until the screen shows the effect. */
  async function hold(button) {
    const before = lines().join('|')
    send(knob(button), 'pointerdown')
    const after = await turned(before)
    send(knob(button), 'pointerup')
    return after
  }

  /** Presses a button until the screen shows a line. */
  async function find(line, button = 'down') {
    for (let n = 0; n < 30; n++) {
      if (lines().includes(line)) return
      await press(button)
    }
    throw new Error(`${line} is not to be found, the screen shows ${lines().join('|')}`)
  }

  /** Chooses something in the menu, from the home page. */
  async function menu(item) {
    await press('down')
    await find('> ' + item)
    return press('ok')
  }

  async function pin(digits) {
    for (const digit of digits) {
      await find(`< ${digit} >`, 'up')
      await press('ok')
    }
    return hold('ok')
  }

  /** Writes down the words of a new wallet, and confirms those that are asked for. */
  async function writeDown() {
    const words = []
    for (;;) {
      const [title, word] = lines()
      if (title.endsWith('?')) break
      words.push(word)
      await press('ok')
    }
    while (lines()[0].endsWith('?')) {
      await find('> ' + words[Number(lines()[0].split(' ')[1]) - 1])
      await press('ok')
    }
    return words
  }

  /** Enters the words of a wallet, letter by letter. */
  async function restore(words) {
    if (words.length === 24) await press('down')
    await press('ok')
    for (const word of words) {
      for (;;) {
        const [, letters, choice] = lines()
        if (choice.startsWith('> ')) break
        await find(`< ${word[letters.length - 1]} >`)
        await press('ok')
      }
      await find('> ' + word)
      await press('ok')
    }
    return lines()
  }

  return { lines, press, hold, find, menu, pin, writeDown, restore }
})()
