import { say, type Text } from './text'

/** device holds the words of the simulated device's page. */
export const device = {
  title: say('Simulated imKey', '模拟 imKey'),
  lead: say(
    'Press or hold its buttons with the mouse, or use the arrow keys, Enter and Escape. The down button opens its menu.',
    '可用鼠标点按或长按，也可用方向键、回车键（确认）和 Esc 键（取消）。按“下”可打开菜单。',
  ),
  leadRecording: say(
    'This is no device but a recording of one: it answers the recorded commands, in their order, and begins again after the last.',
    '这不是设备，而是一段录制的会话：按顺序应答录下的指令，播完后从头开始。',
  ),
  screen: say('Screen', '屏幕'),
  screenEmpty: say('The screen is dark.', '屏幕不亮。'),
  buttons: say('Buttons', '按键'),
  up: say('Up', '上'),
  down: say('Down', '下'),
  cancel: say('Cancel', '取消'),
  ok: say('OK', '确认'),
  plug: say('Plug the cable in', '插入数据线'),
  unplug: say('Pull the cable out', '拔出数据线'),

  connecting: say('Connecting to the simulator…', '正在连接模拟器…'),
  lost: say(
    'The simulator does not answer. Start it again; this page goes on by itself.',
    '模拟器没有应答。请重新启动，本页面会自动继续。',
  ),
  none: say('There is no simulator at this address.', '此地址没有模拟器。'),

  doing: say('Now', '当前状态'),
  doingUnplugged: say('Unplugged.', '未插线。'),
  doingLocked: say('Locked: it waits for its PIN.', '已锁定，等待输入 PIN。'),
  doingCode: say('Shows its binding code. Enter it on the connect page.', '正在显示绑定码，请在连接页面输入。'),
  doingAsking: say('Asks you: OK or cancel.', '等待你按确认或取消。'),
  doingReady: say('Ready.', '就绪。'),
  doingMenu: say(
    'Shows its menu. Until you leave it, pages must wait.',
    '正在显示菜单。退出之前，网页请求都会被要求等待。',
  ),
  doingPIN: say('Takes a new PIN.', '正在设置新 PIN。'),
  doingWords: say(
    'Shows the words of a new wallet. Confirm them.',
    '正在显示新钱包的助记词，请逐个确认。',
  ),
  doingRestoring: say('Takes the words of your wallet, letter by letter.', '正在逐个字母输入钱包的助记词。'),
  doingNotice: say('Tells you something. Press OK.', '正在提示你。请按确认键。'),
  doingRecording: say('Plays a recording to any page that connects.', '正在播放一段录制的会话。'),
  doingBootLoader: say('In its boot loader.', '处于引导程序中。'),
  doingCodeLocked: say(
    'Checks no more binding codes until it is unlocked.',
    '绑定码错误次数过多，解锁前不再核对。',
  ),
  bound: say('Bound to', '绑定对象'),
  boundNone: say('Nothing', '无'),
  boundOne: say('One browser', '一个浏览器'),
  wallet: say('Wallet', '钱包'),
  walletNone: say('None', '无'),
  walletSome: say('Created', '已创建'),
  codeTries: say('Code tries left', '绑定码剩余次数'),
  pinTries: say('PIN tries left', 'PIN 剩余次数'),
  serial: say('Serial number', '序列号'),

  walletMenu: say('Create or restore a wallet', '创建或恢复钱包'),
  create12: say('New, 12 words', '新建，12 词'),
  create24: say('New, 24 words', '新建，24 词'),
  createText: say(
    'The device shows the words one by one. Go through them with its buttons and confirm. Its menu restores a wallet, too.',
    '设备会逐个显示助记词，请用按键逐个查看并确认。也可以在设备菜单中恢复钱包。',
  ),
  mnemonic: say('Mnemonic phrase, 12 or 24 words', '助记词，12 或 24 个单词'),
  mnemonicText: say(
    'Only words made for testing. Never type the words of a wallet that holds money into a computer.',
    '只能使用测试用的助记词。切勿将存有资产的钱包的助记词输入电脑。',
  ),
  mnemonicCount: say('Enter 12 or 24 words.', '请输入 12 或 24 个单词。'),
  restore: say('Restore', '恢复'),

  pinMenu: say('PIN and lock', 'PIN 与锁定'),
  pinNew: say('New PIN', '新 PIN'),
  pinSet: say('Set the PIN', '设置 PIN'),
  pinUnlock: say('PIN', 'PIN'),
  unlock: say('Unlock', '解锁'),
  lock: say('Lock', '锁定'),
  pinForm: say('A PIN has 4 to 12 digits.', 'PIN 为 4 到 12 位数字。'),

  powerMenu: say('Menu, battery, power', '菜单、电量与电源'),
  menu: say('Open menu', '打开菜单'),
  home: say('Home page', '返回主页'),
  battery: say('Battery, percent', '电量（%）'),
  batterySet: say('Set battery', '设置电量'),
  batteryRange: say('Enter a number from 0 to 100.', '请输入 0 到 100 的数字。'),
  powerCut: say('Cut the power', '切断电源'),
  powerCutText: say(
    'Like tearing out the battery: what is not stored is lost.',
    '相当于突然拔掉电池：未保存的内容会丢失。',
  ),

  resetMenu: say('Reset', '重置'),
  resetText: say(
    'A reset erases the wallet and the binding for good. Only the mnemonic phrase brings the wallet back; the next binding has a new code.',
    '重置会永久清除钱包和绑定。只有助记词才能恢复钱包，之后绑定会使用新的绑定码。',
  ),
  resetAsk: say('Reset this device', '重置此设备'),
  resetSure: say('Erase it now', '立即清除'),
  resetKeep: say('Keep it', '保留'),

  done: say('Done.', '已完成。'),
  refused: say('The device refused:', '设备拒绝：'),

  trace: say('Packets and commands', '数据包与指令'),
  traceText: say(
    'What went over the wire, for developers. The binding code is never in it.',
    '线上传输的内容，供开发者查看，其中绝不含绑定码。',
  ),
  tracePackets: say('Show every packet', '显示每个数据包'),
  traceEmpty: say('Nothing yet.', '暂无内容。'),
} satisfies Record<string, Text>

/** refusals are the sentences for the reasons of the control API why the simulated device refuses an action. */
export const refusals: Readonly<Record<string, Text>> = {
  unreachable: say('The simulator does not answer.', '模拟器没有应答。'),
  unplugged: say('It is unplugged. Plug the cable in first.', '设备未插线，请先插入数据线。'),
  closed: say('The simulator is shutting down.', '模拟器正在关闭。'),
  locked: say('It is locked. Enter its PIN first.', '设备已锁定，请先输入 PIN。'),
  asking: say('Its screen asks something. Answer that first.', '设备屏幕正在询问，请先回答。'),
  declined: say('It rejected this: it was started to reject everything.', '设备已拒绝：它启动时设定为一律拒绝。'),
  'boot-loader': say('It is in its boot loader.', '设备处于引导程序中。'),
  'no-pin': say('It has no PIN.', '设备没有设置 PIN。'),
  'pin-wrong': say('That is not its PIN.', 'PIN 不正确。'),
  'pin-wiped': say(
    'That was the fifth wrong PIN in a row: the device has wiped itself.',
    '连续第五次输错 PIN：设备已自动清空。',
  ),
  'pin-format': say('A PIN has 4 to 12 digits.', 'PIN 为 4 到 12 位数字。'),
  'wallet-exists': say('It has a wallet already. Only a reset removes it.', '设备已有钱包，只有重置才能清除。'),
  'word-count': say('Enter 12 or 24 words.', '请输入 12 或 24 个单词。'),
  mnemonic: say(
    'That is no mnemonic phrase: a word or its order is wrong.',
    '这不是有效的助记词：单词或顺序有误。',
  ),
  recording: say(
    'It plays a recording, which has no buttons, PIN or wallet.',
    '它正在回放一段录制的会话，没有按键、PIN 和钱包。',
  ),
  battery: say('Enter a number from 0 to 100.', '请输入 0 到 100 的数字。'),
}
