import { languages, type Language } from './text'

const key = 'imkey-connect.language'

/** preferred returns the first language of the browser's list that the pages have, else English. */
export function preferred(tags: readonly string[]): Language {
  for (const tag of tags) {
    const base = tag.toLowerCase().split(/[-_]/)[0]
    const found = languages.find((language) => language === base)
    if (found) return found
  }
  return 'en'
}

/** chosen returns the language that the user chose earlier, else the browser's. */
export function chosen(): Language {
  try {
    const kept = localStorage.getItem(key)
    const found = languages.find((language) => language === kept)
    if (found) return found
  } catch {
    // With blocked storage, the choice is forgotten.
  }
  return preferred(navigator.languages)
}

/** choose stores the language that the user chose. */
export function choose(language: Language): void {
  try {
    localStorage.setItem(key, language)
  } catch {
    // As above.
  }
}
