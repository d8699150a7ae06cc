import { say, type Text } from './text'

/** connector are the words of the connector's window, beside those of the requests. */
export const connector = {
  title: say('imKey Connector', 'imKey 连接窗口'),
  idleTitle: say('Ready for requests', '等待请求'),
  idleLead: say(
    'Leave this window open while you use the site. What it asks for appears here. You can close the window at any time.',
    '使用网站期间，请保持此窗口打开。网站的请求会显示在这里。你可以随时关闭此窗口。',
  ),
  done: say('Done', '已完成'),
  rejected: say('Rejected', '已拒绝'),
  openedBy: say('Opened by', '打开此窗口的网站：'),
  close: say('Close this window', '关闭此窗口'),
  alone: say('One binding for many sites', '一次绑定，多个网站'),
  aloneLead: say(
    'Sites that use this connector open this page in a window of their own. You bind your imKey here once, and allow each site to see your address.',
    '使用此连接窗口的网站会自行打开本页面。你只需在这里绑定一次 imKey，再允许各网站查看你的地址。',
  ),
  cutOff: say('This window is cut off from the site', '此窗口与网站的联系被切断'),
  cutOffLead: say(
    'A site opened this window, but its settings do not let the two talk. Close the window. The operator of the site has to change its Cross-Origin-Opener-Policy to same-origin-allow-popups.',
    '某网站打开了此窗口，但该网站的设置不允许两者通信。请关闭此窗口。网站运营者需要把 Cross-Origin-Opener-Policy 改为 same-origin-allow-popups。',
  ),
  manage: say('Manage your imKey', '管理你的 imKey'),
  choose: say('Connect your imKey', '连接你的 imKey'),
  chooseLead: say(
    'Plug your imKey in and wake it with a button. Then choose it in the list of the browser.',
    '插入 imKey 并按任意按键唤醒，然后在浏览器的列表中选择它。',
  ),
  connect: say('Choose imKey', '选择 imKey'),
  simulated: say('Use the simulated device', '使用模拟设备'),
  cancel: say('Cancel', '取消'),
  noneChosen: say('No imKey was chosen. Try again.', '没有选择 imKey，请重试。'),
  waiting: say('Another window has a request', '另一个窗口中有请求'),
  waitingLead: say('Answer it there first. This request is next.', '请先在那个窗口中处理，然后轮到此请求。'),
} satisfies Record<string, Text>
