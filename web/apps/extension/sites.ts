// The tab with the permissions and the activity.

import { extension as words } from '../../ui/words/extension'
import { Page } from '../../ui/blocks/page'
import { mountSites } from '../../ui/sites/sites'
import { viewing } from './viewing'

const page = new Page(words.sitesTitle)
const say = viewing((view) => view && sites.show(view))
const sites = mountSites(page.main, {
  language: page.language,
  onRevoke: (revoke, coin) => say({ revoke, ...(coin && { coin }) }),
  onErase: (erase) => say({ erase: erase ?? null }),
})
page.onLanguage((language) => sites.speak(language))
