// looking measures the page as it is drawn now, and lists the defects.
;(() => {
  const text = 4.5 // WCAG 2.2, 1.4.3, without the exception for large text
  const part = 3 // 1.4.11: borders, icons and focus rings by which a user recognises a control
  const target = 44 // CSS pixels
  const longest = 200 // milliseconds of motion

  function color(css) {
    const m = /^rgba?\(([^)]*)\)$/.exec(css)
    if (!m) throw new Error(`cannot read the colour ${css}`)
    const [r, g, b, a = 1] = m[1].split(/[\s,/]+/).map(Number)
    return [r, g, b, a]
  }
  const over = (top, under) => {
    const a = top[3] + under[3] * (1 - top[3])
    if (a === 0) return [0, 0, 0, 0]
    return [...[0, 1, 2].map((i) => (top[i] * top[3] + under[i] * under[3] * (1 - top[3])) / a), a]
  }
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => ((v /= 255) <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    return 0.2126 * r + 0.7152 * g + 0.0722 * b
  }
  const contrast = (a, b) => {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y)
    return (light + 0.05) / (dark + 0.05)
  }

  const memories = []
  /** remembered makes a function that computes the value of an element once for each call of look. */
  function remembered(f) {
    const memory = new Map()
    memories.push(memory)
    return (element) => {
      if (!memory.has(element)) memory.set(element, f(element))
      return memory.get(element)
    }
  }

  const opacity = remembered(
    (element) => Number(getComputedStyle(element).opacity) * (element.parentElement ? opacity(element.parentElement) : 1),
  )
  const faded = (css, element) => {
    const c = color(css)
    return [c[0], c[1], c[2], c[3] * opacity(element)]
  }
  const isSVG = (element) => element instanceof SVGElement && !(element instanceof SVGSVGElement)

  /** layer returns the colour with which an element covers what is behind it. */
  const layer = remembered((element) => {
    const style = getComputedStyle(element)
    if (isSVG(element)) {
      if (element instanceof SVGTextContentElement || style.fill === 'none') return [0, 0, 0, 0]
      const c = faded(style.fill, element)
      return [c[0], c[1], c[2], c[3] * Number(style.fillOpacity)]
    }
    if (style.backgroundImage !== 'none') throw new Error(`cannot judge a background image: ${name(element)}`)
    return faded(style.backgroundColor, element)
  })
  /** behind returns the visible colour behind an element's content at a point. Without self, it is the colour around the element. */
  function behind(element, x, y, self = true) {
    const stack = document.elementsFromPoint(x, y)
    let at = stack.indexOf(element)
    if (at < 0) throw new Error(`outside: ${name(element)}`)
    if (stack.slice(0, at).some((e) => !element.contains(e) && layer(e)[3] > 0)) throw new Error(`covered: ${name(element)}`)
    let seen = [0, 0, 0, 0]
    for (const e of stack.slice(self ? at : at + 1)) {
      seen = over(seen, layer(e))
      if (seen[3] > 0.999) return seen
    }
    return over(seen, [255, 255, 255, 1])
  }

  function name(element) {
    const said = element.getAttribute('aria-label') ?? element.textContent.trim()
    return `${element.localName}.${element.getAttribute('class') ?? ''} “${said.slice(0, 30)}”`
  }
  /** hiddenToEyes reports whether an element is hidden in the way of texts for screen readers only. */
  const hiddenToEyes = remembered((element) => {
    const style = getComputedStyle(element)
    if (style.clipPath !== 'none' && style.overflow === 'hidden' && element.getBoundingClientRect().width <= 1) return true
    return element.parentElement !== null && hiddenToEyes(element.parentElement)
  })
  const shown = remembered(
    (element) => element.checkVisibility({ visibilityProperty: true, contentVisibilityAuto: true }) && !hiddenToEyes(element),
  )

  function* texts() {
    const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT)
    for (let node = walk.nextNode(); node; node = walk.nextNode()) {
      const element = node.parentElement
      if (node.data.trim() === '' || element.closest('script, style, noscript') || !shown(element)) continue
      const range = document.createRange()
      range.selectNodeContents(node)
      const rects = [...range.getClientRects()].filter((r) => r.width > 0 && r.height > 0)
      const style = getComputedStyle(element)
      const ink = isSVG(element) ? style.fill : style.color
      for (const r of rects.length > 2 ? [rects[0], rects.at(-1)] : rects) yield { element, r, ink }
    }
    for (const element of document.querySelectorAll('input:not([type=checkbox], [type=radio]), textarea')) {
      if (!shown(element)) continue
      const style = getComputedStyle(element)
      yield { element, r: element.getBoundingClientRect(), ink: style.color }
      const marked = getComputedStyle(element, '::selection')
      if (element.value && color(marked.backgroundColor)[3] === 1) {
        yield { element, r: element.getBoundingClientRect(), ink: marked.color, ground: color(marked.backgroundColor) }
      }
    }
  }

  const controls = () =>
    [...document.querySelectorAll('button, a[href], input, textarea, select, summary, [role=button], [tabindex="0"]')].filter(shown)
  const middle = (r) => [r.x + r.width / 2, r.y + r.height / 2]

  function motion(reduced, find) {
    const running = document.getAnimations()
    for (const a of running) {
      const { duration, iterations } = a.effect.getComputedTiming()
      const moves = a.effect
        .getKeyframes()
        .some((k) =>
          Object.keys(k).some(
            (p) => !['offset', 'easing', 'composite', 'computedOffset', 'opacity', 'backgroundColor', 'color'].includes(p),
          ),
        )
      const what = `${a.animationName ?? a.transitionProperty} on ${name(a.effect.target)}`
      if (reduced) find(`motion though less is wanted: ${what}`)
      else if (moves && duration * iterations > longest) find(`motion of ${duration * iterations} ms: ${what}`)
    }
    // These styles are the same at every width.
    for (const element of innerWidth === 390 ? document.body.querySelectorAll('*') : []) {
      for (const pseudo of [null, '::before', '::after']) {
        const style = getComputedStyle(element, pseudo)
        const seconds = style.transitionDuration.split(',').map(parseFloat)
        if (Math.max(...seconds) * 1000 > (reduced ? 0 : longest)) find(`a transition of ${style.transitionDuration}: ${name(element)}`)
        if (reduced && style.animationName !== 'none') find(`an animation though less is wanted: ${name(element)}`)
      }
    }
    // Only the final state is measured, not the states during an animation.
    for (const a of running) {
      if (a.effect.getComputedTiming().iterations === Infinity) a.cancel()
      else a.finish()
    }
    return running.length
  }

  function look(where, reduced, rings) {
    const findings = []
    const counts = { views: 1, texts: 0, borders: 0, targets: 0, rings: 0, animations: 0, lowest: 99 }
    const find = (what) => findings.push(`${where}: ${what}`)
    const judge = (f) => {
      try {
        f()
      } catch (error) {
        find(error.message)
      }
    }
    counts.animations = motion(reduced, find)
    for (const memory of memories) memory.clear()

    const page = document.scrollingElement
    if (page.scrollWidth > page.clientWidth) find(`scrolls sideways: ${page.scrollWidth} in ${page.clientWidth} px`)
    if (page.scrollHeight > innerHeight) find(`is higher than the ${innerHeight} px that are measured`)
    for (const element of document.body.querySelectorAll('*')) {
      if (element.hidden && getComputedStyle(element).display !== 'none') find(`is hidden and drawn: ${name(element)}`)
      if (!shown(element)) continue
      const r = element.getBoundingClientRect()
      if (!isSVG(element) && r.width > 0 && (r.left < -0.5 || r.right > page.clientWidth + 0.5)) find(`sticks out: ${name(element)}`)
      const { overflowX } = getComputedStyle(element)
      if (element.localName === 'input') continue // a field may scroll what is typed into it
      if (!isSVG(element) && overflowX !== 'visible' && element.scrollWidth > element.clientWidth + 1)
        find(`cut off or scrolling sideways: ${name(element)}`)
    }

    // A select is as wide as its widest choice, unless a style makes it narrower. Then it cuts that choice off.
    for (const box of [...document.querySelectorAll('select')].filter(shown)) {
      const free = box.cloneNode(true)
      free.style.setProperty('width', 'max-content', 'important')
      box.after(free)
      if (free.offsetWidth > box.offsetWidth) find(`a choice is cut off: ${name(box)}`)
      free.remove()
    }

    for (const { element, r, ink, ground } of texts()) {
      judge(() => {
        if (r.right > page.clientWidth + 0.5 || r.left < -0.5) find(`text sticks out: ${name(element)}`)
        // A scrolling list hides this text now. It looks like the text that the list shows.
        const scroller = element.closest('ol')
        if (scroller && (r.bottom > scroller.getBoundingClientRect().bottom || r.top < scroller.getBoundingClientRect().top)) return
        const under = ground ?? behind(element, ...middle(r))
        const c = contrast(over(faded(ink, element), under), under)
        counts.texts++
        counts.lowest = Math.min(counts.lowest, c)
        if (c < text) find(`text ${c.toFixed(2)}:1, ${name(element)}`)
      })
    }

    const areas = []
    for (const element of controls()) {
      const r = element.getBoundingClientRect()
      const style = getComputedStyle(element)
      const ticked = element.type === 'checkbox' || element.type === 'radio'
      const label = ticked ? element.closest('label') : null
      const area = (label ?? element).getBoundingClientRect()
      if (element.localName !== 'pre') {
        counts.targets++
        if (area.width < target - 0.01 || area.height < target - 0.01) {
          find(`a target of ${area.width.toFixed(1)} × ${area.height.toFixed(1)} px: ${name(label ?? element)}`)
        }
        areas.push([element, area])
      }
      judge(() => {
        const field = element.matches('input, textarea, select')
        const drawn = style.appearance === 'none' || !ticked // the browser draws its own box
        const around = behind(element, ...middle(r), false)
        const edge = over(faded(style.borderLeftColor, element), around)
        const bordered = parseFloat(style.borderLeftWidth) > 0 && style.borderLeftStyle !== 'none' && color(style.borderLeftColor)[3] > 0
        if (drawn && (bordered || field)) {
          counts.borders++
          const c = Math.max(bordered ? contrast(edge, around) : 1, field ? contrast(over(layer(element), around), around) : 1)
          if (c < part) find(`a border of ${c.toFixed(2)}:1, ${name(element)}`)
        }
        // A user recognises a button without words by its icon.
        if (element.textContent.trim() === '') {
          for (const shape of element.querySelectorAll('path, rect, circle')) {
            const s = getComputedStyle(shape)
            const under = behind(element, ...middle(r))
            const paint = faded(s.stroke !== 'none' ? s.stroke : s.fill, shape)
            counts.borders++
            const c = contrast(over(paint, under), under)
            if (c < part) find(`an icon of ${c.toFixed(2)}:1, ${name(element)}`)
          }
        }
      })
    }
    for (const [i, [a, p]] of areas.entries()) {
      for (const [b, q] of areas.slice(i + 1)) {
        const w = Math.min(p.right, q.right) - Math.max(p.left, q.left)
        const h = Math.min(p.bottom, q.bottom) - Math.max(p.top, q.top)
        if (w > 2 && h > 2) find(`two targets overlap: ${name(a)} and ${name(b)}`)
      }
    }

    const had = document.activeElement
    for (const element of rings ? controls() : []) {
      if (element.disabled) continue
      element.focus({ preventScroll: true })
      judge(() => {
        if (document.activeElement !== element) return find(`takes no focus: ${name(element)}`)
        const style = getComputedStyle(element)
        counts.rings++
        if (style.outlineStyle === 'none' || parseFloat(style.outlineWidth) < 2) return find(`no focus ring: ${name(element)}`)
        const r = element.getBoundingClientRect()
        const under = behind(element, ...middle(r), parseFloat(style.outlineOffset) < 0)
        const c = contrast(over(faded(style.outlineColor, element), under), under)
        if (c < part) find(`a focus ring of ${c.toFixed(2)}:1, ${name(element)}`)
      })
      for (const a of document.getAnimations()) if (a.effect.getComputedTiming().iterations !== Infinity) a.finish()
    }
    if (had && had !== document.body) had.focus({ preventScroll: true })
    else document.activeElement?.blur()
    return { findings, counts }
  }

  const all = { findings: [], counts: {} }
  /** add measures the page and adds the findings and counts to all. */
  function add(where, reduced) {
    // Focus rings are the same at every width.
    const { findings, counts } = look(where, reduced, !reduced && innerWidth === 390)
    all.findings.push(...findings)
    for (const [name, n] of Object.entries(counts)) {
      all.counts[name] = name === 'lowest' ? Math.min(all.counts.lowest ?? 99, n) : (all.counts[name] ?? 0) + n
    }
  }
  const result = () => structuredClone(all)
  delete globalThis.looking
  Object.defineProperty(globalThis, 'looking', { value: { add, result }, configurable: true })
})()
