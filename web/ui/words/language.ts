import { languages, type Language } from './text'

const key = 'imkey-connect.language'

/** preferred picks the first language of the browser's list that the pages speak, else English. */
export function preferred(tags: readonly string[]): Language {
  for (const tag of tags) {
    const base = tag.toLowerCase().split(/[-_]/)[0]
    const found = languages.find((language) => language === base)
    if (found) return found
  }
  return 'en'
}

/** chosen is the language chosen earlier by hand, else the browser's. Storage may be blocked: then it is the browser's. */
export function chosen(): Language {
  try {
    const kept = localStorage.getItem(key)
    const found = languages.find((language) => language === kept)
    if (found) return found
  } catch {
    // Blocked storage costs the memory of a choice and nothing else.
  }
  return preferred(navigator.languages)
}

/** choose remembers a language chosen by hand. */
export function choose(language: Language): void {
  try {
    localStorage.setItem(key, language)
  } catch {
    // As above.
  }
}
