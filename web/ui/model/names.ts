// Names and other texts that come from a file, a device or another user. Package binding of core has the same rule for names.

/** Characters that do not print, or that change the direction of a line. An emoji may contain U+FE0F and U+200D: see legible. */
const unprintable =
  /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufffc\ufffd\u{1d159}]/gu

const emoji = '\\p{Extended_Pictographic}[\\u{1f3fb}-\\u{1f3ff}]?\\ufe0f?'
const partOfEmoji = new RegExp(`${emoji}(?:\\u200d${emoji})*|[0-9#*]\\ufe0f\\u20e3`, 'gu')

/** Marks without a character, and more than three on one. */
const piled = /(?<=^|\s)\p{M}+|(?<=\p{M}{3})\p{M}+/gu

/** legible returns the text without characters that do not print, on one line. */
export function legible(text: string): string {
  const spaced = text.replace(/[\t\n\r\p{Zl}\p{Zp}]+/gu, ' ')
  let clean = ''
  let end = 0
  for (const { 0: part, index } of spaced.matchAll(partOfEmoji)) {
    clean += spaced.slice(end, index).replace(unprintable, '') + part
    end = index + part.length
  }
  clean += spaced.slice(end).replace(unprintable, '')
  return clean
    .replace(/\p{Zs}+/gu, ' ')
    .replace(piled, '')
    .replace(/ +/g, ' ')
    .trim()
}

/** Letters that look like Latin ones, each before the letter that it looks like. Their capitals follow from them. */
const lookalikes = new Map(
  // Cyrillic, Greek, Armenian, and special Latin letters.
  'аaвbеeѕsіiјjкkмmнhоoрpсcтtуyхxԁdԛqԝwһhӏlґrѵvαaβbεeηnιiκkνvοoρpτtυuχxγyωwσoաwհhոnսuօoքpցgıiɡgɩiɑaʟlꞵb'
    .match(/../gu)!
    .flatMap(([letter, latin]): [string, string][] => [
      [letter!, latin!],
      [letter!.toUpperCase(), latin!],
    ]),
)

/**
 * skeleton returns a text that two names share if they look alike: after UTS #39, for the letters that matter here. It is compared and
 * never shown.
 */
export function skeleton(name: string): string {
  return [...legible(name).normalize('NFKC')]
    .map((c) => lookalikes.get(c) ?? c)
    .join('')
    .replace(/[Il1|!]/gu, 'l')
    .toLowerCase()
    .replace(/[\s\p{P}\ufe0f]/gu, '')
    .replace(/0/gu, 'o')
    .replace(/i/gu, 'l')
    .replace(/rn/gu, 'm')
    .replace(/vv/gu, 'w')
    .replace(/5/gu, 's')
}

/** Scripts that are written together with Latin letters. */
const withLatin =
  /[\p{Script=Latin}\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Common}\p{Script=Inherited}]/u

/** Small capitals, and the other letters of phonetic alphabets that no language uses. */
const phonetic = /[\u0262\u026a\u0274\u0280\u028f\u0299\u029c\u029f\u1d00-\u1dbf]/u

/**
 * shownName returns the name as the user sees it: legible, and with the code points of letters that pass for others. These are letters
 * of other scripts beside Latin ones, names that consist of nothing but lookalikes of Latin letters, and letters and digits in a special
 * form such as 𝐋, Ｌ, ᴍ or 𝟘.
 */
export function shownName(name: string): string {
  const clean = legible(name)
  const letters = [...clean.normalize('NFC')].filter((c) => /\p{L}|\p{Nl}/u.test(c))
  const foreign = letters.filter((c) => !withLatin.test(c))
  const mixed = letters.some((c) => /\p{Script=Latin}/u.test(c))
  const disguised = foreign.length > 0 && letters.every((c) => lookalikes.has(c) || /[A-Za-z]/u.test(c))
  const special = [...clean.normalize('NFC')].filter(
    (c) => phonetic.test(c) || (/[\p{L}\p{Nl}\p{Nd}]/u.test(c) && /^[\x20-\x7e]+$/u.test(c.normalize('NFKC')) && !/[\x20-\x7e]/u.test(c)),
  )
  const latin = letters.filter((c) => /\p{Script=Latin}/u.test(c) && lookalikes.has(c))
  const odd = new Set([...(mixed || disguised ? foreign : []), ...special, ...latin])
  if (odd.size === 0) return clean
  const points = [...odd].map((c) => `${c} U+${c.codePointAt(0)!.toString(16).toUpperCase().padStart(4, '0')}`)
  return `${clean} (${points.join(', ')})`
}

/** lookAlike reports whether two names can be taken for each other. */
export function lookAlike(a: string, b: string): boolean {
  return skeleton(a) === skeleton(b) && skeleton(a) !== ''
}
