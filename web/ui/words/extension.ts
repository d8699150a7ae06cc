import { say, type Text } from './text'

/** extension holds the words of the extension's popup and tabs. */
export const extension = {
  title: say('imKey Connect', 'imKey Connect'),
  sitesTitle: say('Permissions and activity', '授权与记录'),

  device: say('Your imKey', '你的 imKey'),
  noDevice: say('No imKey is bound to this extension yet.', '尚未有 imKey 与本扩展绑定。'),
  newDevice: say('An imKey is plugged in that is not bound to this extension.', '已插入一台尚未与本扩展绑定的 imKey。'),
  ownApp: say(
    'This extension is one app for your imKey. A site or a connector window that binds it for itself ends this binding; the binding code brings it back.',
    '对 imKey 来说，本扩展是一个应用。若某个网站或连接窗口自行绑定该设备，本扩展的绑定就会失效，可用绑定码重新绑定。',
  ),
  pluggedIn: say('Plugged in', '已插入'),
  notPluggedIn: say('Not plugged in', '未插入'),
  bound: say('Bound to this extension', '已与本扩展绑定'),
  former: say('Bound elsewhere, or reset', '已绑定到别处，或已被重置'),
  notBound: say('Not bound yet', '尚未绑定'),
  unreadable: say('The stored binding cannot be read', '无法读取已保存的绑定信息'),
  unknownDevices: say(
    'This browser cannot read its bindings now. They are not lost. Open this window again.',
    '浏览器暂时无法读取绑定信息。绑定并未丢失，请重新打开此窗口。',
  ),
  bind: say('Bind an imKey', '绑定 imKey'),
  manage: say('Manage', '管理'),

  site: say('This site', '当前网站'),
  noSite: say('The site in this tab has not asked for your imKey.', '此标签页中的网站没有请求使用 imKey。'),
  notAllowed: say('It may not see your address.', '它尚未获准查看你的地址。'),
  disconnect: say('Disconnect this site', '断开此网站'),

  waiting: say('A site waits for your answer.', '有网站正在等待你的答复。'),
  showRequest: say('Show the request', '显示请求'),

  permissions: say('Permissions and activity', '授权与记录'),
  help: say('Help', '帮助'),
  legacy: say('Also offer imKey as window.ethereum', '同时作为 window.ethereum 提供'),
  legacyWhy: say(
    'For old sites that do not list wallets. Another wallet that is there first keeps the place. It takes effect when a page is loaded anew.',
    '供不列出钱包的旧网站使用。若已有其他钱包占用，则保持不变。重新加载页面后生效。',
  ),
  bitcoinNode: say('Bitcoin node', '比特币节点'),
  bitcoinNodeWhy: say(
    'An Esplora API. It learns your Bitcoin addresses, so none is set. Only sites that ask imKey for a balance, or to put a payment together, need one.',
    'Esplora API 地址。节点会得知你的比特币地址，因此默认不设置。只有请求余额或由 imKey 组建付款的网站才需要。',
  ),
  saveBitcoinNode: say('Save', '保存'),
  noBitcoinNode: say('No node is asked.', '目前不使用任何节点。'),
  hasBitcoinNode: say('This node is asked.', '正在使用此节点。'),
  bitcoinNodeForm: say(
    'Enter an address that begins with https://, or a node on this computer.',
    '请输入以 https:// 开头的地址，或本机节点地址。',
  ),
  stopped: say('The extension starts again…', '扩展正在重新启动……'),

  binds: say('Bind your imKey here. This tab closes when you are done.', '请在此绑定 imKey，完成后本标签页会关闭。'),
} satisfies Record<string, Text>

/** waitsFor says which site waits while the user binds a device. */
export const waitsFor = (origin: string): Text =>
  say(
    `${origin} waits for your imKey. Bind it here; this tab closes when you are done.`,
    `${origin} 正在等待你的 imKey。请在此绑定，完成后本标签页会关闭。`,
  )

/** help holds the words of the help. */
export const help = {
  title: say('Help', '帮助'),
  parts: [
    {
      title: say('How it works', '工作方式'),
      text: say(
        'Bind your imKey to this extension once, with the binding code on its screen. After that any site can ask for your address and for signatures. A site sees your address only after you allow it, and every signature is shown here first and then confirmed on the imKey.',
        '用屏幕上的绑定码将 imKey 与本扩展绑定一次。此后任何网站都可以请求你的地址和签名。网站只有在你允许后才能看到你的地址；每次签名都会先在这里显示，再由你在 imKey 上确认。',
      ),
    },
    {
      title: say('One app at a time', '一次只绑定一个应用'),
      text: say(
        'Your imKey is bound to one app at a time. This extension is one app. A phone, another browser, a site that uses the imKey by itself and a connector window are others. Binding one of them ends this binding. Your wallet is safe; bind the imKey here again with its binding code.',
        'imKey 一次只能绑定一个应用。本扩展是一个应用；手机、其他浏览器、自行使用 imKey 的网站以及连接窗口都是另外的应用。绑定其中任何一个，都会使本扩展的绑定失效。你的钱包不受影响，可用绑定码在此重新绑定。',
      ),
    },
    {
      title: say('A site does not find imKey', '网站找不到 imKey'),
      text: say(
        'Reload the page. After an update of the extension every open page has to be loaded anew. Sites without a list of wallets need the switch for window.ethereum in the popup. The extension is not there in incognito windows, where a binding would be lost with the window.',
        '请重新加载页面。扩展更新后，所有已打开的页面都需要重新加载。没有钱包列表的网站需要在弹出窗口中打开 window.ethereum 开关。隐身窗口中无法使用本扩展，因为绑定会随窗口关闭而丢失。',
      ),
    },
    {
      title: say('Another program uses the imKey', '其他程序正在使用 imKey'),
      text: say(
        'Only one program can use the imKey at a time. Close the other tab, window or program, or unplug the imKey and plug it in again.',
        '同一时间只有一个程序可以使用 imKey。请关闭其他标签页、窗口或程序，或重新插拔 imKey。',
      ),
    },
  ],
} as const satisfies { title: Text; parts: readonly { title: Text; text: Text }[] }
