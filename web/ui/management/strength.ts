/** Strength is how hard it is for an attacker with the file to guess the passphrase. */
export type Strength = 'short' | 'weak' | 'fair' | 'strong'

/** minLength is the smallest number of characters in a passphrase. */
const minLength = 8

/**
 * strengthOf estimates the strength of a passphrase from its length and variety, in bits. It cannot know the words and dates
 * that an attacker would try first, so the estimate is low.
 */
export function strengthOf(passphrase: string): Strength {
  const characters = [...passphrase]
  if (characters.length < minLength) return 'short'
  const bits = Math.min(byCharacters(characters), byWords(passphrase))
  if (bits < 40) return 'weak'
  return bits < 60 ? 'fair' : 'strong'
}

/** A character that repeats the one before, or is its neighbour in the alphabet, adds almost nothing. */
function byCharacters(characters: readonly string[]): number {
  let counted = 0
  for (const [i, character] of characters.entries()) {
    const step = i === 0 ? NaN : character.codePointAt(0)! - characters[i - 1]!.codePointAt(0)!
    counted += Math.abs(step) <= 1 ? 0.25 : 1
  }
  const all = characters.join('')
  let alphabet = 0
  if (/[a-z]/.test(all)) alphabet += 26
  if (/[A-Z]/.test(all)) alphabet += 26
  if (/\d/.test(all)) alphabet += 10
  if (/[ -/:-@[-`{-~]/.test(all)) alphabet += 20
  if (/[^ -~]/.test(all)) alphabet += 500
  // A long passphrase of few different characters is a pattern.
  return counted * Math.log2(Math.min(alphabet, 3 * new Set(characters).size))
}

/** Attackers guess whole words: each has about 12 bits. What is not in a word, such as digits, counts by the character. */
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
