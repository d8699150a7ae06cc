import { say, type Text } from './text'

/** exceptional holds the words of the states outside a first pairing. They are loaded with those states. */
export const exceptional = {
  bindAgain: say('Bind it again', '重新绑定'),
  elsewhereCode: say(
    'You need the binding code that you wrote down when you bound it first. The device does not show it again.',
    '你需要首次绑定时抄写下来的绑定码，设备不会再次显示它。',
  ),
  elsewhereGoOn: say('Bind here instead', '改为在此绑定'),
  elsewhereLead: say(
    'It is bound to another phone, browser or site, or to this browser before its data was deleted. Binding it here ends that binding; your wallet stays as it is.',
    '它已绑定到另一部手机、另一个浏览器或网站，或在本浏览器的数据被清除之前绑定过。在此绑定会解除原来的绑定，钱包不受影响。',
  ),
  elsewhereTitle: say('Your imKey is bound elsewhere', 'imKey 已绑定到别处'),
  elsewhereWhere: say(
    'The phone, browser or site that is bound now can still show the code. Otherwise look where you keep your mnemonic phrase: the code belongs beside it.',
    '目前与它绑定的手机、浏览器或网站仍能显示绑定码。否则请到存放助记词的地方找一找，绑定码应与它放在一起。',
  ),
  forgetMismatch: say(
    'Go on only if this is your own imKey: compare its serial number. A forged device would show another identity, too.',
    '只有确认这是你自己的 imKey（请核对序列号）才能继续：冒充它的设备也会出示不同的身份。',
  ),
  fromFile: say('Use a file from the browser that is bound', '使用已绑定浏览器导出的文件'),
  inUseLead: say(
    'Only one tab at a time can use it. If you use it here, the other tab stops what it is doing and releases the imKey.',
    '同一时间只能由一个标签页使用。改为在此使用后，另一个标签页会停止操作并释放设备。',
  ),
  inUseTitle: say('Another tab is using your imKey', '另一个标签页正在使用 imKey'),
  insecureLead: say(
    'Browsers let a page reach USB devices only over https, or on localhost. Open its https address.',
    '浏览器只允许 https 网页或 localhost 访问 USB 设备。请改用 https 网址打开。',
  ),
  insecureTitle: say('This page needs a secure address', '本页面需要安全的网址'),
  knownHere: say('Bound in this browser', '已在本浏览器绑定'),
  muteLead: say(
    'It was asked to release your imKey and did not answer. Close it, then use the imKey here.',
    '已请求它释放 imKey，但没有得到响应。请关闭那个标签页，再在此使用。',
  ),
  muteTitle: say('The other tab does not answer', '另一个标签页没有响应'),
  newHere: say('New to this browser', '本浏览器尚不认识'),
  unknownHere: say('This browser’s bindings cannot be read now', '现在无法读取本浏览器的绑定信息'),
  noSerial: say('An imKey without a serial number', '一台未提供序列号的 imKey'),
  notListed: say('Another one, not listed here', '其他未列出的设备'),
  reboundLead: say(
    'This imKey has since been bound to another phone, browser or site. This page can no longer use it; your wallet stays as it is.',
    '此后这台 imKey 已绑定到另一部手机、另一个浏览器或网站。本页面不能再使用它，钱包不受影响。',
  ),
  reboundNext: say(
    'If that was you, there is nothing to do. You can bind it here again with its binding code, or have this browser forget it.',
    '如果是你本人操作，无需处理。你可以用绑定码在此重新绑定，也可以让本浏览器移除它。',
  ),
  reboundStranger: say(
    'If it was not you, someone had the device and knows its binding code. If you bind it here again, that binding ends; only a reset gives the imKey a new code.',
    '如果不是你本人，说明有人拿到过这台设备，并且知道它的绑定码。在此重新绑定可解除对方的绑定；只有重置才会换成新的绑定码。',
  ),
  reboundTitle: say('Your imKey is now bound elsewhere', '此后 imKey 已绑定到别处'),
  resetLead: say(
    'The serial number is the same, but the device is not bound any more. Bind it again with the new code on its screen; the old code is no longer valid.',
    '序列号表明这是同一台设备，但它已不再与任何应用绑定。请用屏幕上的新绑定码重新绑定，旧绑定码已失效。',
  ),
  resetStranger: say('If you did not reset it, someone else had the device.', '如果不是你重置的，说明有人接触过这台设备。'),
  resetTitle: say('Your imKey was reset', 'imKey 已被重置'),
  resetWallet: say(
    'A reset erases the wallet. If you have not restored it yet, do so on the device, from your mnemonic phrase.',
    '重置会清除钱包。如果尚未恢复，请在设备上用助记词恢复。',
  ),
  runSimulator: say(
    'You can try everything with a simulated device. In a copy of the project, run:',
    '你可以用模拟设备体验全部功能。在项目目录中运行：',
  ),
  severalLead: say('More than one is plugged in. Compare the serial numbers.', '插入了不止一台，请核对序列号。'),
  severalTitle: say('Which imKey?', '使用哪一台 imKey？'),
  takenLead: say(
    'That tab asked for it, and this tab released it. Nothing was lost; you can take it back at any time.',
    '那个标签页请求使用，本标签页已释放设备。没有任何丢失，可以随时收回。',
  ),
  takenTitle: say('Another tab is using your imKey now', 'imKey 现由另一个标签页使用'),
  unsupportedAndroid: say('Chrome on Android', 'Android 上的 Chrome'),
  unsupportedDesktop: say('Chrome, Edge, Opera or Brave on a computer', '电脑上的 Chrome、Edge、Opera 或 Brave'),
  unsupportedLead: say('It has no WebUSB. Open this page in one of these:', '它不支持 WebUSB。请用以下浏览器打开本页面：'),
  unsupportedTitle: say('This browser cannot reach an imKey', '本浏览器无法连接 imKey'),
  useHere: say('Use it here', '在此使用'),
  forgetTitle: say('Forget this imKey in this browser?', '要移除此 imKey 吗？'),
  forgetDamagedTitle: say('Forget this binding?', '要移除此绑定吗？'),
  forgetLead: say(
    'Your imKey does not learn of this: it stays bound to a key that is then lost. To bind it again you need its binding code, which it will not show you.',
    'imKey 不会得知此事：它仍与一把随之丢失的密钥绑定。重新绑定需要绑定码，而 imKey 届时不会显示。',
  ),
  forgetWallet: say(
    'Your wallet stays as it is. Go on only if you have the binding code on paper.',
    '钱包不受影响。请确认绑定码已抄在纸上，再继续。',
  ),
  shutOut: say(
    'If you lost a file with this binding, make a new key: connect the imKey and choose “Make a new key”. Binding again with the binding code does so, too.',
    '如果丢失了含有此绑定的文件，请更换密钥：连接 imKey 后选择“更换密钥”。用绑定码重新绑定也会换用新密钥。',
  ),
  forgetBinding: say('Forget this binding', '移除此绑定'),
  forgetting: say('Forgetting', '正在移除'),
  toStart: say('Back to the start', '返回首页'),
  copyReport: say('Copy a report', '复制诊断报告'),
  errorCode: say('Code', '错误代码'),
} satisfies Record<string, Text>
