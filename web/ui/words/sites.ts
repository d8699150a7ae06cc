import { say, type Text } from './text'

/** sites holds the words of the list of sites and of what was signed. */
export const sites = {
  title: say('Sites', '网站'),
  lead: say(
    'These sites may see the addresses below and ask you for signatures. You confirm each signature here and on your imKey.',
    '以下网站可以查看所列地址并请求签名。每次签名都需要你在此处和 imKey 上确认。',
  ),
  leadOwn: say(
    'These sites use your imKey in a window of this page. They may see the addresses below.',
    '以下网站通过本页面的窗口使用你的 imKey，可以查看所列地址。',
  ),
  none: say('No site has a permission.', '没有任何网站获得许可。'),
  accounts: say('May see', '可查看'),
  chain: say('Chain', '链'),
  since: say('Since', '始于'),
  used: say('Last used', '上次使用'),
  openNow: say('Open now', '正在打开'),
  revoke: say('Revoke', '撤销'),
  revokeSure: say('The site sees no address any more and has to ask again.', '该网站将无法再查看地址，需要重新请求。'),
  revokeNow: say('Revoke now', '立即撤销'),
  keep: say('Keep', '保留'),
  activity: say('What was signed', '签署记录'),
  activityLead: say(
    'Kept in this browser only, without the messages and signatures themselves.',
    '仅保存在本浏览器中，不含消息和签名本身。',
  ),
  activityNone: say('Nothing was signed yet.', '尚未签署任何内容。'),
  erase: say('Erase the list', '清空记录'),
  eraseSure: say(
    'This erases the list in this browser. It changes nothing that was signed.',
    '这将清空本浏览器中的记录，已签署的内容不受影响。',
  ),
  eraseNow: say('Erase now', '立即清空'),
  eraseSite: say('Erase what this site had signed', '清空该网站的记录'),
  account: say('Account', '账户'),
  receiver: say('To', '收款方'),
  hash: say('Hash', '哈希'),
  message: say('A message', '消息'),
  signIn: say('Sign-in', '登录'),
  typedData: say('Typed data', '结构化数据'),
  transaction: say('A transaction', '交易'),
  calls: say('Several calls', '多个调用'),
  more: say('Show more', '显示更多'),
  done: say('Done.', '已完成。'),
} satisfies Record<string, Text>

export const chainOf = (id: number, name?: string): Text =>
  name === undefined ? say(`Chain ${id}`, `链 ${id}`) : say(`${name} (${id})`, `${name}（${id}）`)
export const signedIn = (domain: string): Text => say(`Sign-in to ${domain}`, `登录到 ${domain}`)
export const typedFor = (domain: string): Text => say(`Typed data for ${domain}`, `为 ${domain} 签署结构化数据`)
