// A text is written in every language at once, side by side: a language left out does not compile.

export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]

export type Text = Readonly<Record<Language, string>>

/** say writes one text: the English, and the Chinese as a Chinese speaker would put it. */
export function say(en: string, zh: string): Text {
  return { en, zh }
}

/** languageTag is the value of the `lang` attribute. */
export const languageTag: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' }

/** languageName is how a language calls itself; it is the same in every language. */
export const languageName: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' }
