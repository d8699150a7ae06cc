// The eight boxes as a value: the character in each, the place of the cursor, what is wrong. The functions are pure, so that
// they can be tested without a browser. The characters are secret: nothing here logs, stores or formats them.

export const length = 8

/** Problem is what is wrong with what was typed: a character that looks like another one, one that no code has, a bad paste. */
export type Problem = 'lookalike' | 'foreign' | 'pasteNone' | 'pasteSeveral'

export interface Boxes {
  /** One upper-case character or '' for each box. Lookalikes are kept, so that the page can point them out. */
  readonly chars: readonly string[]
  /** The box that has the cursor, 0 to 7. */
  readonly at: number
  /** The problem to show now, or null. */
  readonly problem: Problem | null
}

export type Action =
  /** Characters typed, dictated, composed or swiped into a box. */
  | { readonly type: 'insert'; readonly at: number; readonly text: string }
  | { readonly type: 'paste'; readonly at: number; readonly text: string }
  | { readonly type: 'backspace'; readonly at: number }
  | { readonly type: 'delete'; readonly at: number }
  | { readonly type: 'move'; readonly to: number }
  | { readonly type: 'clear' }

export const empty: Boxes = { chars: Array<string>(length).fill(''), at: 0, problem: null }

export function reduce(boxes: Boxes, action: Action): Boxes {
  switch (action.type) {
    case 'clear':
      return empty
    case 'move':
      return { ...boxes, at: clamp(action.to) }
    case 'insert':
      return insert(boxes, action.at, action.text)
    case 'paste': {
      const pasted = parsePaste(action.text)
      if ('problem' in pasted) return { ...boxes, problem: pasted.problem }
      return insert(boxes, pasted.text.length === length ? 0 : action.at, pasted.text)
    }
    case 'delete':
      return put(boxes, action.at, '', action.at)
    case 'backspace':
      return boxes.chars[action.at] !== '' || action.at === 0
        ? put(boxes, action.at, '', action.at)
        : put(boxes, action.at - 1, '', action.at - 1)
  }
}

/** valid reports whether the character can be part of a code. */
export function valid(char: string): boolean {
  return /^[2-9A-HJ-NP-Z]$/.test(char)
}

/** suspicious reports whether a box holds one of the four lookalikes, which no code has. */
export function suspicious(char: string): boolean {
  return char !== '' && !valid(char)
}

/** complete returns the code if all eight boxes have valid characters, else undefined. */
export function complete(boxes: Boxes): string | undefined {
  return boxes.chars.every(valid) ? boxes.chars.join('') : undefined
}

/** missing counts the empty boxes. */
export function missing(boxes: Boxes): number {
  return boxes.chars.filter((char) => char === '').length
}

/** firstOpen returns the first box to fill in or correct, with invalid ones before empty ones, or -1 if there is none. */
export function firstOpen(boxes: Boxes): number {
  const invalid = boxes.chars.findIndex(suspicious)
  return invalid >= 0 ? invalid : boxes.chars.indexOf('')
}

function insert(boxes: Boxes, at: number, text: string): Boxes {
  const { chars: typed, foreign } = letters(text)
  const chars = [...boxes.chars]
  let next = clamp(at)
  for (const char of typed) {
    if (next === length) break
    chars[next++] = char
  }
  // After the last box, the cursor goes to the first box that is still open.
  if (next === length) {
    const open = firstOpen({ ...boxes, chars })
    next = open >= 0 ? open : length - 1
  }
  return { chars, at: next, problem: foreign ? 'foreign' : problemOf(chars) }
}

function put(boxes: Boxes, index: number, char: string, at: number): Boxes {
  const chars = [...boxes.chars]
  chars[index] = char
  return { chars, at, problem: problemOf(chars) }
}

function problemOf(chars: readonly string[]): Problem | null {
  return chars.some(suspicious) ? 'lookalike' : null
}

/** letters returns the characters of a text that a box can hold. Full-width forms count as the plain ones. */
function letters(text: string): { chars: string[]; foreign: boolean } {
  const chars: string[] = []
  let foreign = false
  for (const char of text.normalize('NFKC').toUpperCase()) {
    if (/^[0-9A-Z]$/.test(char)) chars.push(char)
    else if (!separator.test(char)) foreign = true
  }
  return { chars, foreign }
}

const separator = /^[\s\-\u2010-\u2015\u2212\u200b\ufeff_·]$/

/**
 * parsePaste finds what to put into the boxes. A text of at most eight letters and digits, with spaces and dashes, is taken
 * as it is. In a longer text, the code is found. Lower-case words of eight letters can look like codes: they count only if
 * nothing in the text is written like a code, with capitals, a digit or a dash.
 */
export function parsePaste(text: string): { readonly text: string } | { readonly problem: Problem } {
  const plain = letters(text.slice(0, 4096))
  if (!plain.foreign && plain.chars.length > 0 && plain.chars.length <= length) return { text: plain.chars.join('') }

  const strong = new Set<string>()
  const weak = new Set<string>()
  const words = [
    ...text
      .slice(0, 4096)
      .normalize('NFKC')
      .matchAll(/[0-9A-Za-z]+/g),
  ]
  const consider = (raw: string, dashed: boolean) => {
    const code = raw.toUpperCase()
    if (![...code].every(valid)) return
    const marked = dashed || /[2-9]/.test(raw) || raw === code
    ;(marked ? strong : weak).add(code)
  }
  words.forEach((word, i) => {
    if (word[0].length === length) consider(word[0], false)
    const next = words[i + 1]
    if (word[0].length !== length / 2 || next?.[0].length !== length / 2) return
    const between = word.input.slice(word.index + word[0].length, next.index)
    if (/^\s{0,2}[-\u2010-\u2015\u2212_·]\s{0,2}$/.test(between)) consider(word[0] + next[0], true)
    else if (/^\s{1,3}$/.test(between)) consider(word[0] + next[0], false)
  })
  const found = strong.size > 0 ? strong : weak
  const [only] = found
  if (only === undefined) return { problem: 'pasteNone' }
  return found.size === 1 ? { text: only } : { problem: 'pasteSeveral' }
}

function clamp(index: number): number {
  return Math.min(length - 1, Math.max(0, index))
}
