/** Strength is how hard a passphrase is to guess for whoever has the file. */
export type Strength = 'short' | 'weak' | 'fair' | 'strong'

/** The fewest characters that a passphrase may have. */
export const shortest = 8

/**
 * strengthOf judges a passphrase by its length and variety, in bits of about what a guesser needs. It cannot know which
 * words or dates somebody is fond of, so it is careful with what it praises.
 */
export function strengthOf(passphrase: string): Strength {
  const characters = [...passphrase]
  if (characters.length < shortest) return 'short'
  const bits = Math.min(byCharacters(characters), byWords(passphrase))
  if (bits < 40) return 'weak'
  return bits < 60 ? 'fair' : 'strong'
}

/** A character that repeats the one before, or is next to it in the alphabet, adds next to nothing. */
function byCharacters(characters: readonly string[]): number {
  let telling = 0
  for (const [i, character] of characters.entries()) {
    const step = i === 0 ? NaN : character.codePointAt(0)! - characters[i - 1]!.codePointAt(0)!
    telling += Math.abs(step) <= 1 ? 0.25 : 1
  }
  const all = characters.join('')
  let alphabet = 0
  if (/[a-z]/.test(all)) alphabet += 26
  if (/[A-Z]/.test(all)) alphabet += 26
  if (/\d/.test(all)) alphabet += 10
  if (/[ -/:-@[-`{-~]/.test(all)) alphabet += 20
  if (/[^ -~]/.test(all)) alphabet += 500
  // Few different characters, however many of them, are a pattern.
  return telling * Math.log2(Math.min(alphabet, 3 * new Set(characters).size))
}

/** Words are guessed by the word: some 12 bits each. What stands in no word, such as digits, counts by the character. */
function byWords(passphrase: string): number {
  let bits = 0
  const seen = new Set<string>()
  for (const run of passphrase.toLowerCase().match(/\p{Letter}+|\P{Letter}/gu) ?? []) {
    if (seen.has(run)) continue
    seen.add(run)
    const letters = [...run].length
    if (letters === 1) bits += /\d/.test(run) ? 3.3 : 4
    else bits += /^[a-z]+$/.test(run) ? Math.min(letters * 4.7, Math.max(12, (letters - 8) * 3)) : letters * 8
  }
  return bits
}
