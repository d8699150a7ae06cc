import { say, type Text } from './text'

/** dialog holds the words around the pairing where it is a dialog on somebody else's page. */
export const dialog = {
  trust: say('Enter the binding code only if you trust this site.', '只有信任此网站时，才应输入绑定码。'),
  close: say('Close', '关闭'),
} satisfies Record<string, Text>

/** wants says who asks. The sentence stands around the host's name, which is set apart. */
export const wants = {
  before: { en: '', zh: '' },
  after: { en: ' wants to bind your imKey', zh: ' 请求绑定你的 imKey' },
} satisfies Record<string, Text>

/** has says it when that is done: then nothing is wanted any more. */
export const has = {
  after: { en: ' is bound to your imKey', zh: ' 已与你的 imKey 绑定' },
} satisfies Record<string, Text>
