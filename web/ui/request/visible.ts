// Text that others wrote, so that the user sees every character of it.

/** Run is a piece of a text as it is, or the mark for a character that would not be seen. */
export type Run = string | { readonly mark: string }

/** What does not print, changes the direction of a line, or passes for a space. A line feed is left as it is. */
const hidden =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Cn}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800\u3164\ufffc\ufffd]|(?! )\p{Zs}|(?<=\p{M}{3})\p{M}/gu

const emoji = '\\p{Extended_Pictographic}[\\u{1f3fb}-\\u{1f3ff}]?\\ufe0f?'
const partOfEmoji = new RegExp(`${emoji}(?:\\u200d${emoji})*|[0-9#*]\\ufe0f\\u20e3`, 'gu')

/**
 * visible splits a text into what is seen and marks for what is not: invisible characters, controls of the direction (such as U+202E, which
 * turns a line round), unusual spaces, and more than three accents on one letter. A mark says the code point. Emoji stay whole.
 */
export function visible(text: string): Run[] {
  const runs: Run[] = []
  const add = (part: string) => {
    if (part === '') return
    const last = runs.length - 1
    if (typeof runs[last] === 'string') runs[last] += part
    else runs.push(part)
  }
  const mark = (part: string) => {
    let end = 0
    for (const { 0: found, index } of part.matchAll(hidden)) {
      if (found === '\n') continue
      add(part.slice(end, index))
      runs.push({ mark: `U+${found.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}` })
      end = index + found.length
    }
    add(part.slice(end))
  }
  let end = 0
  for (const { 0: part, index } of text.matchAll(partOfEmoji)) {
    mark(text.slice(end, index))
    add(part)
    end = index + part.length
  }
  mark(text.slice(end))
  return runs
}

/** hasMarks reports whether a text has characters that are not seen. */
export const hasMarks = (text: string): boolean => visible(text).some((run) => typeof run !== 'string')

/** marked is a text on one line, with its marks in brackets. */
export const marked = (text: string): string =>
  visible(text)
    .map((run) => (typeof run === 'string' ? run.replaceAll('\n', '⏎') : `[${run.mark}]`))
    .join('')
