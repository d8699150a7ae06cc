// A text is written in all languages side by side. If a language is missing, it does not compile.

export const languages = ['en', 'zh'] as const
export type Language = (typeof languages)[number]

export type Text = Readonly<Record<Language, string>>

/** say makes a text of its English and its Chinese. */
export function say(en: string, zh: string): Text {
  return { en, zh }
}

/** joined writes two sentences one after the other. */
export function joined(first: Text, second: Text): Text {
  return say(`${first.en} ${second.en}`, `${first.zh}${second.zh}`)
}

/** languageTag is the value of the `lang` attribute. */
export const languageTag: Readonly<Record<Language, string>> = { en: 'en', zh: 'zh-CN' }

/** languageName is the name of a language in the language itself. */
export const languageName: Readonly<Record<Language, string>> = { en: 'English', zh: '中文' }
