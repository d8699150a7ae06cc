// The eight boxes as a value: what is in each, where the cursor is, what is wrong. Pure, so that it can be tested
// without a browser. The values are secrets: nothing here logs, stores or formats them.

export const length = 8

/** How a character fails the alphabet: it looks like another one, or it never occurs in a code. */
export type Problem = 'lookalike' | 'foreign' | 'pasteNone' | 'pasteSeveral'

export interface Boxes {
  /** One character or '' for each box, in upper case. A lookalike stands here too, so that it can be pointed out. */
  readonly chars: readonly string[]
  /** The box that has the cursor, 0 to 7. */
  readonly at: number
  /** What to tell the person now, or null. */
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

/** valid says that the character in a box can be part of a code. */
export function valid(char: string): boolean {
  return /^[2-9A-HJ-NP-Z]$/.test(char)
}

/** suspicious says that a box holds one of the four characters that no code has. */
export function suspicious(char: string): boolean {
  return char !== '' && !valid(char)
}

/** complete gives the code when all eight characters can be one, else undefined. */
export function complete(boxes: Boxes): string | undefined {
  return boxes.chars.every(valid) ? boxes.chars.join('') : undefined
}

/** missing counts the empty boxes. */
export function missing(boxes: Boxes): number {
  return boxes.chars.filter((char) => char === '').length
}

/** firstOpen is the first box that needs the person: an invalid one before an empty one, -1 when there is none. */
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
  // The last box full: back to what still needs the person, so that nobody searches for it.
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

/** letters takes what can stand in a box out of a text; full-width forms count as the plain ones. */
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
 * parsePaste finds what to put into the boxes: the text itself when it is at most eight letters and digits with spaces
 * and dashes, else the one code that stands in it. Lower-case words of eight letters can look like codes; they count
 * only where nothing is written as a code is, in capitals, with a digit or with a dash.
 */
export function parsePaste(text: string): { readonly text: string } | { readonly problem: Problem } {
  const plain = letters(text.slice(0, 4096))
  if (!plain.foreign && plain.chars.length > 0 && plain.chars.length <= length) return { text: plain.chars.join('') }

  const strong = new Set<string>()
  const weak = new Set<string>()
  const words = [...text.slice(0, 4096).normalize('NFKC').matchAll(/[0-9A-Za-z]+/g)]
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
