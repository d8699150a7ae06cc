// The sites that use the imKey through this origin's connector, on the page that manages the imKey.

import { listPermissions } from 'imkey-connect/broker'
import type { Language } from '../words/text'
import { mountSites } from './sites'
import { openStorage } from './storage'

export interface OwnSites {
  speak(language: Language): void
}

/** mountOwnSites makes the list in an element, which is hidden while no site has a permission. */
export function mountOwnSites(root: HTMLElement, language: Language): OwnSites {
  const section = root.appendChild(document.createElement('div'))
  section.hidden = true
  const listed = listPermissions(openStorage(), () => {
    const { permissions } = listed
    section.hidden = permissions.length === 0
    sites.show({ permissions, activity: [], open: [] })
  })
  const sites = mountSites(section, {
    language,
    part: true,
    onRevoke: (origin, coin) => void listed.revoke(origin, coin),
    onErase: () => {},
  })
  return { speak: (chosen) => sites.speak(chosen) }
}
