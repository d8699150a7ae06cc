import { early } from './errors.early.gen'
import { joined, say, type Text } from './text'

/** pairing holds the words of a first pairing, except for the errors, which are in errors.ts. */
export const pairing = {
  title: say('Connect your imKey', '连接你的 imKey'),

  startLead: say(
    'Plug in your imKey with its cable. The first time, bind it to this browser with the binding code on its screen.',
    '用数据线插入 imKey。首次使用时，用屏幕上的绑定码将它与本浏览器绑定。',
  ),
  forgotten: say('This browser has forgotten the binding.', '本浏览器已不再保存该绑定。'),
  connect: say('Connect imKey', '连接 imKey'),
  trySimulated: say('Try with a simulated device', '用模拟设备试一试'),
  whatIsThis: say('What is this?', '这是什么？'),
  whatIsThisText: say(
    'Binding lets this browser ask your imKey for addresses and signatures. Your keys never leave the imKey, and every signature still needs its buttons.',
    '绑定后，本浏览器可以向 imKey 请求地址和签名。私钥始终留在 imKey 内，每次签名仍需在设备上按键确认。',
  ),
  whatIsThisCode: say(
    'The binding code proves that you have the device in your hand. This page proves to the imKey that it knows the code, and never sends the code itself to anyone.',
    '绑定码证明设备就在你手中。本页面只向 imKey 证明自己知道绑定码，绝不会把绑定码发送给任何人。',
  ),

  choosingTitle: say('Choose your imKey', '选择你的 imKey'),
  choosingLead: say(
    'In the browser’s window, select the entry named imKey and press Connect.',
    '请在浏览器弹出的窗口中选中名为 imKey 的设备，然后点“连接”。',
  ),
  choosingEmpty: say('The list is empty? Check the cable: some only charge.', '列表是空的？请检查数据线：有的线只能充电。'),

  openingTitle: say('Reading your imKey', '正在读取 imKey'),
  openingLead: say('Leave it plugged in. This takes a moment.', '请保持连接，稍候片刻。'),

  lockedTitle: say('Your imKey is locked', 'imKey 已锁定'),
  inMenuTitle: say('Your imKey shows a menu', 'imKey 正停留在菜单'),

  recognisedTitle: say('Is this your imKey?', '这是你的 imKey 吗？'),
  recognisedLead: say('Compare the serial number with the one on the device or its box.', '请核对序列号是否与设备或包装上的一致。'),
  serial: say('Serial number', '序列号'),
  firmware: say('Firmware', '固件版本'),
  bootloader: say('Boot loader', '引导程序'),
  battery: say('Battery', '电量'),
  charging: say('Charging', '充电中'),
  bluetoothName: say('Bluetooth name', '蓝牙名称'),
  bluetoothVersion: say('Bluetooth version', '蓝牙版本'),
  unknown: say('Not known', '未知'),
  details: say('Details', '详细信息'),
  binding: say('Binding', '绑定状态'),
  boundToThis: say('To this browser', '已与本浏览器绑定'),
  boundAt: say('Bound on', '绑定时间'),
  vouchedBy: say('Verified by', '验证密钥'),
  simulatorKey: say('The simulator’s key, which nothing else trusts', '模拟器的密钥，仅模拟器信任'),
  anotherKey: say('A key that this page trusted', '本页面曾信任的密钥'),
  fingerprint: say('Fingerprint', '密钥指纹'),
  lifeCycle: say('State', '设备状态'),
  activated: say('Activated', '已激活'),
  initialised: say('New', '全新'),
  noPIN: say('Without a PIN', '未设 PIN'),
  noWallet: say('Without a wallet', '没有钱包'),
  creating: say('Creating a wallet', '正在创建钱包'),
  recovering: say('Restoring a wallet', '正在恢复钱包'),
  ready: say('Ready', '可用'),
  verified: say('Verified', '已验证'),
  unverified: say('Cannot be verified', '无法验证'),
  goOn: say('Continue', '继续'),
  another: say('Use another imKey', '使用另一台 imKey'),
  stop: say('Stop', '停止'),
  cancel: say('Cancel', '取消'),
  tryAgain: say('Try again', '重试'),

  unverifiedTitle: say('This device cannot be verified', '无法验证此设备'),
  unverifiedLead: say(
    'The vendor has not published the key that this page needs to check that the device is a genuine imKey. It may well be genuine, but this page cannot tell.',
    '厂商尚未公布用于检验设备真伪的公钥，因此本页面无法确认它是否为正品 imKey。它很可能是正品，但本页面无法判断。',
  ),
  unverifiedRisk: say(
    'What could happen: a forged device, or a program between this browser and the device, could learn your binding code and bind itself in your place.',
    '可能的后果：伪造的设备，或介于浏览器与设备之间的程序，可能得知你的绑定码，并冒充你完成绑定。',
  ),
  unverifiedImported: say(
    'Its binding came from a file, and anyone who has the file can use it. Go on only if you made that file yourself, and then make a new key.',
    '此绑定来自文件，持有该文件的任何人都能使用它。仅当文件由你本人导出时才应继续，之后请更换密钥。',
  ),
  unverifiedAdvice: say(
    'Go on only with a device that you bought from a seller you trust and that arrived sealed, on a computer of your own.',
    '只有当设备购自你信任的商家、收到时封装完好，并且你使用的是自己的电脑时，才应继续。',
  ),
  unverifiedAccept: say('I know where this device comes from, and I accept the risk.', '我清楚这台设备的来历，并接受上述风险。'),
  unverifiedGoOn: say('Continue without verification', '不经验证，继续'),
  unverifiedTick: say('Tick the box first if you want to go on.', '如要继续，请先勾选上面的选项。'),

  codeTitle: say('Enter the binding code', '输入绑定码'),
  codeLead: say('Read the code on your imKey’s screen.', '请查看 imKey 屏幕上的绑定码。'),
  codeLeadWritten: say('Enter the binding code that you wrote down.', '请输入你抄写下来的绑定码。'),
  codeGroup: say('Binding code, 8 characters', '绑定码，共 8 个字符'),
  bind: say('Bind this browser', '绑定本浏览器'),
  keep: say('Keep the code in this browser', '在本浏览器中保存绑定码'),
  keepText: say(
    'You can look it up here later. It is stored encrypted, and only for this device.',
    '以后可在此查看。它会加密保存，且仅用于这台设备。',
  ),
  showAgain: say('Show the code again', '再次显示绑定码'),
  shownAgain: say('Your imKey shows the code now.', 'imKey 正在显示绑定码。'),
  notShown: say('The code is not shown', '屏幕上没有绑定码'),
  notShownText: say(
    'A new imKey, or one that was reset, shows its code when it is first connected. Press Show the code again; if its screen stays dark, press a button on the device.',
    '全新或已重置的 imKey 在首次连接时显示绑定码。请点“再次显示绑定码”；如果屏幕不亮，请按一下设备按键。',
  ),
  notShownElsewhere: say(
    'An imKey that is bound does not show its code to another browser. Look where you keep your mnemonic phrase: the code belongs beside it.',
    '已绑定的 imKey 不会向其他浏览器显示绑定码。请到存放助记词的地方找一找，绑定码应与它放在一起。',
  ),
  noCode: say('I do not have the code', '我没有绑定码'),
  notShownLost: say(
    'Without the code the only way is to reset the imKey on its own buttons. A reset erases the wallet: do it only with the mnemonic phrase in front of you.',
    '如果绑定码已经丢失，唯一的办法是在设备上重置 imKey。重置会清除钱包：只有助记词就在手边时才能这样做。',
  ),
  aborted: say('Stopped. This browser is not bound.', '已停止，本浏览器尚未绑定。'),

  checkingTitle: say('Checking the code', '正在核对绑定码'),
  checkingLead: say('Leave your imKey plugged in.', '请保持 imKey 连接。'),
  waitingTitle: say('Look at your imKey', '请看你的 imKey'),
  waitingLead: say('It waits for you: confirm or reject on the device.', '它正在等待你：请在设备上确认或拒绝。'),

  stoppingTitle: say('Stopping', '正在停止'),
  stoppingLead: say(
    'This page asks your imKey to stop, and then whether it is bound. This can take a few seconds.',
    '正在通知 imKey，并确认它是否已绑定，可能需要几秒钟。',
  ),

  boundTitle: say('This browser is bound', '本浏览器已绑定'),
  boundLead: say(
    'This browser and your imKey know each other now. The next visit needs no code.',
    '本浏览器已与 imKey 相互识别，下次使用无需再输入绑定码。',
  ),
  boundAgain: say('Your imKey knows this browser. No code is needed.', 'imKey 认得本浏览器，无需输入绑定码。'),
  adviceTitle: say('Write the binding code down', '请抄写绑定码'),
  adviceWrite: say('Write it on paper and keep it beside your mnemonic phrase.', '把它写在纸上，与助记词放在一起。'),
  advicePhoto: say('Never photograph it.', '切勿拍照。'),
  adviceOnline: say('Never store it online or send it to anyone.', '切勿存到网上，也不要发给任何人。'),
  adviceWhy: say(
    'Your imKey will not show it again to a new browser; you will need this paper.',
    'imKey 不会再向新的浏览器显示它，届时你需要这张纸。',
  ),
  kept: say('The code is kept in this browser, encrypted.', '绑定码已加密保存在本浏览器中。'),
  notKept: say('The code is not kept in this browser. Your paper is the only copy.', '绑定码没有保存在本浏览器中，纸上的是唯一一份。'),
  notPersisted: say(
    'This browser may clear its storage when space runs low; the binding would then be gone and you would need the code again.',
    '空间不足时，本浏览器可能会清除存储；届时绑定将会丢失，需要重新输入绑定码。',
  ),
  acceptedUnverified: say('You accepted this device without verification.', '你在未经验证的情况下接受了此设备。'),
  manage: say('Manage this binding', '管理此绑定'),
  viewCode: say('View the binding code', '查看绑定码'),
  viewCodeText: say(
    'Anyone who uses this browser while the imKey is plugged in can view the code. A plugged-in imKey does not prove that its owner is there.',
    '只要插着 imKey，任何使用本浏览器的人都能查看绑定码，这不能证明主人就在场。',
  ),
  hideCode: say('Hide the code', '隐藏绑定码'),
  showOnDevice: say('Show it on the imKey’s screen', '在 imKey 屏幕上显示'),
  forget: say('Forget this imKey in this browser', '在本浏览器中移除此 imKey'),
  rename: say('Give it a name', '设置名称'),
  exportBinding: say('Export this binding', '导出此绑定'),
  renewKey: say('Make a new key', '更换密钥'),
  renewKeyText: say(
    'Your imKey then knows this browser by a new key. A lost file or another copy of this binding becomes useless. It needs the binding code.',
    '更换后，imKey 只认得本浏览器的新密钥；丢失的导出文件和其他副本随即失效。需要输入绑定码。',
  ),
  renewKeyLead: say(
    'This browser gets a new key for your imKey. All copies of the old one become useless.',
    '本浏览器将换用新密钥，旧密钥的所有副本随即失效。',
  ),
  renewNow: say('Make the new key', '更换'),
  renewed: say('This binding has a new key. All copies of the old one are useless now.', '此绑定已换用新密钥，旧密钥的所有副本均已失效。'),
  importBinding: say('Import a binding from a file', '从文件导入绑定'),
  nameSaved: say('The name is saved in this browser.', '名称已保存在本浏览器中。'),
  nameRemoved: say('The name was removed.', '名称已移除。'),
  asking: say('Asking your imKey.', '正在询问 imKey。'),
  revealed: say('The binding code is hidden again after 30 seconds.', '绑定码将在 30 秒后隐藏。'),
  hidden: say('The binding code is hidden again.', '绑定码已重新隐藏。'),
  notRemembered: say(
    'The code was not kept in this browser. Look where you wrote it down, or have the imKey show it.',
    '本浏览器没有保存绑定码。请查看你抄写的记录，或让 imKey 显示它。',
  ),

  forgetNow: say('Forget it', '移除'),
  keepBinding: say('Keep it', '保留'),

  done: say('Done', '完成'),
  disconnect: say('Disconnect', '断开连接'),
  unpluggedNote: say('Your imKey is unplugged. The binding stays.', 'imKey 已拔出，绑定仍然有效。'),

  notLoaded: say(
    'This part of the page could not be loaded. Check the connection and press again.',
    '页面的这一部分未能加载。请检查网络后再按一次。',
  ),
  copied: say('Report copied. It contains no code and no key.', '报告已复制，其中不含绑定码和密钥。'),
  copyFailed: say('Copying was refused. Select the report and copy it by hand.', '浏览器拒绝复制，请手动选中并复制。'),
  report: say('Report', '诊断报告'),
} satisfies Record<string, Text>

/** codeBox names one box of the binding code to a screen reader. */
export function codeBox(n: number): Text {
  return say(`Character ${n} of 8`, `第 ${n} 个字符，共 8 个`)
}

/** codeIncomplete says how many characters are still missing. */
export function codeIncomplete(missing: number): Text {
  return say(missing === 1 ? 'One character is missing.' : `${missing} characters are missing.`, `还差 ${missing} 个字符。`)
}

/** codeRule says why something that was typed or pasted cannot be a code. */
export const codeRule = {
  lookalike: joined(early['code-format'].what, early['code-format'].next),
  foreign: early['code-format/character'].what,
  pasteNone: say('There is no binding code in what you pasted.', '粘贴的内容里没有绑定码。'),
  pasteSeveral: say(
    'There is more than one possible code in what you pasted. Paste only the code.',
    '粘贴的内容里不止一个可能的绑定码，请只粘贴绑定码。',
  ),
} satisfies Record<string, Text>

/** wrongCode says that the code was wrong and how many tries are left, if that is known. */
export function wrongCode(source: 'screen' | 'paper', triesLeft: number | null): Text {
  const wrong = source === 'screen' ? early['wrong-code'].what : say('That is not the code of this imKey.', '这不是这台 imKey 的绑定码。')
  return joined(wrong, afterWrongCode(source, triesLeft))
}

function afterWrongCode(source: 'screen' | 'paper', triesLeft: number | null): Text {
  switch (triesLeft) {
    case null:
      return source === 'screen'
        ? early['wrong-code'].next
        : say('Was it written down for another device, or before a reset?', '抄写的会不会是另一台设备的，或是重置之前的？')
    case 0:
      return say(
        'It was the last try. Unlock your imKey with its PIN; without a PIN, hold its OK button.',
        '尝试次数已用完。请在设备上输入 PIN 解锁；若未设 PIN，请长按其确认键。',
      )
    case 1:
      return say('1 try is left before it locks.', '还可以再试 1 次，之后会锁定。')
    default:
      return say(`${triesLeft} tries are left before it locks.`, `还可以再试 ${triesLeft} 次，之后会锁定。`)
  }
}

/** drawing describes the picture of the device for screen readers. */
export const drawing = {
  unplugged: say('An imKey with its cable unplugged', '一台未插线的 imKey'),
  plugged: say('An imKey with its cable plugged in', '一台已插线的 imKey'),
} satisfies Record<string, Text>
