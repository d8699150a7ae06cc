import { say, type Text } from './text'

/** dialog holds the words around the pairing in the dialog on a site's page. */
export const dialog = {
  trust: say('Enter the binding code only if you trust this site.', '只有信任此网站时，才应输入绑定码。'),
  close: say('Close', '关闭'),
} satisfies Record<string, Text>

/** wants says which site asks. The sentence is around the host's name, which stands out. */
export const wants = {
  before: { en: '', zh: '' },
  after: { en: ' wants to bind your imKey', zh: ' 请求绑定你的 imKey' },
} satisfies Record<string, Text>

/** has says that the site is bound. It replaces wants. */
export const has = {
  after: { en: ' is bound to your imKey', zh: ' 已与你的 imKey 绑定' },
} satisfies Record<string, Text>
