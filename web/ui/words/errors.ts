import type { ErrorCode } from './codes'
import { say, type Text } from './text'
import { udevRule } from './udev'

/** Platform is what the advice depends on: drivers and access rights differ. */
export type Platform = 'linux' | 'windows' | 'mac' | 'android' | 'chromeos' | 'other'

export interface Surroundings {
  readonly platform: Platform
  /** The page is in an iframe without `allow="usb"`. */
  readonly framed: boolean
}

export interface Advice {
  /** One sentence: what happened. */
  readonly what: Text
  /** One sentence or two: what to do next. */
  readonly next: Text
  /** Something to copy unchanged, such as a udev rule. */
  readonly snippet?: string
  /** Nothing failed: the user or the page stopped. It is not shown in red. */
  readonly calm?: boolean
}

type Entry = Advice | ((where: Surroundings) => Advice)

function permission(where: Surroundings): Advice {
  if (where.framed) {
    return {
      what: say(
        'This page is inside another page that does not let it use USB.',
        '本页面嵌在另一个网页中，而后者不允许它使用 USB。',
      ),
      next: say(
        'Open this page in a tab of its own. The owner of the outer page can add this to its iframe:',
        '请在单独的标签页中打开本页面。外层网页的维护者可在其 iframe 上加入：',
      ),
      snippet: 'allow="usb"',
    }
  }
  const what = say(
    'Your system does not let the browser open the imKey.',
    '系统不允许浏览器打开 imKey。',
  )
  switch (where.platform) {
    case 'linux':
      return {
        what,
        next: say(
          'On Linux, save this rule as /etc/udev/rules.d/70-imkey.rules, run “sudo udevadm control --reload”, and plug the imKey in again:',
          '在 Linux 上，请将下面这条规则存为 /etc/udev/rules.d/70-imkey.rules，运行“sudo udevadm control --reload”，然后重新插入 imKey：',
        ),
        snippet: udevRule,
      }
    case 'windows':
      return {
        what,
        next: say(
          'On Windows, the browser needs the WinUSB driver on the imKey’s vendor interface. Close the vendor’s programs and plug it in again. If that does not help, someone who knows Windows drivers can assign WinUSB to USB ID 096E:0891 in Device Manager, or with Zadig, a third-party tool; the vendor’s own programs may need their driver back afterwards.',
          '在 Windows 上，浏览器需要 imKey 的厂商接口使用 WinUSB 驱动。请先关闭厂商的程序并重新插入。若仍无效，可请熟悉 Windows 驱动的人在设备管理器中，或用第三方工具 Zadig，为 USB ID 096E:0891 指定 WinUSB；之后厂商自己的程序可能需要换回原驱动。',
        ),
      }
    case 'android':
      return {
        what,
        next: say(
          'Allow USB access when Android asks, close other wallet apps, and plug the imKey in again.',
          '请在 Android 询问时允许访问 USB，关闭其他钱包应用，然后重新插入 imKey。',
        ),
      }
    case 'chromeos':
    case 'mac':
    case 'other':
      return {
        what,
        next: say(
          'Allow this site to use USB in the browser’s site settings, close programs that use the imKey, and plug it in again.',
          '请在浏览器的网站设置中允许本站使用 USB，关闭正在使用 imKey 的程序，然后重新插入。',
        ),
      }
  }
}

const entries = {
  'unsupported': {
    what: say('This browser cannot reach an imKey.', '本浏览器无法连接 imKey。'),
    next: say(
      'Use Chrome, Edge, Opera or Brave on a computer, or Chrome on Android, at an https address.',
      '请用电脑上的 Chrome、Edge、Opera 或 Brave，或 Android 上的 Chrome，以 https 网址打开。',
    ),
  },
  'no-device': {
    what: say('No imKey is plugged in.', '没有插入 imKey。'),
    next: say('Plug it in and wake it with a button, then try again.', '请插入设备并按键唤醒，然后重试。'),
    calm: true,
  },
  'request-cancelled': {
    what: say('No imKey was chosen.', '没有选择 imKey。'),
    next: say(
      'If the list was empty, wake the imKey with a button and check the cable: some only charge.',
      '如果列表是空的，请按键唤醒 imKey，并检查数据线：有的线只能充电。',
    ),
    calm: true,
  },
  'permission-denied': permission,
  'not-imkey': {
    what: say('The chosen device does not answer as an imKey does.', '所选设备的应答不像 imKey。'),
    next: say('Choose the entry named imKey. Nothing on the device was changed.', '请选择名为 imKey 的设备。设备上没有任何改动。'),
  },
  'boot-loader': {
    what: say('Your imKey is in its boot loader.', 'imKey 处于引导程序模式。'),
    next: say(
      'Finish its update in the vendor’s program, or restart it with its power button, then try again.',
      '请在厂商的程序中完成升级，或用电源键重启设备，然后重试。',
    ),
  },
  'device-disconnected': {
    what: say('Your imKey was unplugged.', 'imKey 已拔出。'),
    next: say('Plug it in again; this page goes on by itself.', '请重新插入，本页面会自动继续。'),
  },
  'device-busy': {
    what: say('Your imKey is still busy with something else.', 'imKey 正忙于另一项操作。'),
    next: say('Finish or cancel what its screen shows, then try again.', '请完成或取消其屏幕上的操作，然后重试。'),
  },
  'in-use-elsewhere': {
    what: say('Another browser, tab or program is using your imKey.', '另一个浏览器、标签页或程序正在使用 imKey。'),
    next: say('Close it there, then use it here.', '请先在那里关闭，再回到这里使用。'),
  },
  'timeout': {
    what: say('Your imKey did not answer in time.', 'imKey 没有及时应答。'),
    next: say(
      'Unplug it, plug it in again and try again. If a code was being checked, the next try tells whether it was accepted.',
      '请拔出后重新插入再试。若当时正在核对绑定码，重试后即可知道是否已绑定。',
    ),
  },
  'aborted': {
    what: say('Stopped before it was done.', '已中途停止。'),
    next: say('Try again when you are ready.', '准备好后可以重试。'),
    calm: true,
  },
  'protocol': {
    what: say('Your imKey sent an answer that is wrong, so this page stopped.', 'imKey 的应答有误，本页面已停止操作。'),
    next: say(
      'Plug it in directly, without a hub, and try again. If it happens again, copy the report and ask for help.',
      '请不经集线器直接插入后重试。若再次出现，请复制诊断报告寻求帮助。',
    ),
  },
  'user-rejected': {
    what: say('You rejected it on your imKey. Nothing was changed.', '你在 imKey 上选择了拒绝，没有任何改动。'),
    next: say('Try again if that was not what you wanted.', '如果并非本意，请重试。'),
    calm: true,
  },
  'code-format': {
    what: say(
      'The code has no 0, O, 1 or I. Look again: it may be a Q, an L or a 7.',
      '绑定码中没有 0、O、1 和 I。请再看一遍：可能是 Q、L 或 7。',
    ),
    next: say('Enter the 8 characters again. Nothing was sent to the imKey.', '请重新输入 8 个字符。尚未向 imKey 发送任何内容。'),
  },
  'wrong-code': {
    what: say('That is not the code on your imKey.', '这不是 imKey 上的绑定码。'),
    next: say('Compare each character and enter it again.', '请逐个核对字符后重新输入。'),
  },
  'code-locked': {
    what: say(
      'Too many wrong codes: your imKey does not check any more for now.',
      '绑定码错误次数过多，imKey 暂时不再核对。',
    ),
    next: say(
      'Unlock it on the device with its PIN; without a PIN, hold its OK button. Then try again. Your wallet is safe.',
      '请在设备上输入 PIN 解锁；若未设 PIN，请长按其确认键。然后重试。钱包不受影响。',
    ),
  },
  'not-bound': {
    what: say('This browser is not bound to your imKey.', '本浏览器尚未与 imKey 绑定。'),
    next: say('Connect it and enter its binding code first.', '请先连接并输入绑定码。'),
  },
  'bound-elsewhere': {
    what: say('Your imKey is bound to another phone, browser or site.', 'imKey 已绑定到另一部手机、另一个浏览器或网站。'),
    next: say(
      'Try again to bind it here with the binding code that you wrote down.',
      '请重试，用你抄写的绑定码在此绑定。',
    ),
  },
  'untrusted-device': {
    what: say(
      'This device could not prove that it is a genuine imKey. Nothing was sent to it.',
      '此设备无法证明自己是正品 imKey。没有向它发送任何内容。',
    ),
    next: say(
      'Unplug it and do not use it with this computer. Try another cable and port; if that does not help, ask the seller.',
      '请拔出它，不要在这台电脑上使用。可换一根线和一个接口再试；若仍如此，请联系卖家。',
    ),
  },
  'device-mismatch': {
    what: say(
      'This device shows another identity than when you bound it, so this page stopped.',
      '此设备的身份与绑定时不同，本页面已停止操作。',
    ),
    next: say(
      'Compare the serial number to make sure that it is your own imKey. If it is, and you know why its identity changed, forget this binding and bind it again with its code. Otherwise copy the report and ask for help.',
      '请核对序列号，确认是你自己的 imKey。只有确认无误并清楚变化的原因，才可移除此绑定，再用绑定码重新绑定；否则请复制诊断报告寻求帮助。',
    ),
  },
  'locked': {
    what: say('Your imKey is locked.', 'imKey 已锁定。'),
    next: say('Enter its PIN on the device; this page goes on by itself.', '请在设备上输入 PIN，本页面会自动继续。'),
  },
  'wallet-missing': {
    what: say('Your imKey holds no wallet yet.', 'imKey 中还没有钱包。'),
    next: say(
      'Create a wallet on the device, or restore one from its mnemonic phrase, then try again.',
      '请在设备上创建钱包，或用助记词恢复钱包，然后重试。',
    ),
  },
  'in-menu': {
    what: say('Your imKey shows a menu.', 'imKey 正停留在菜单。'),
    next: say('Go back to its home page on the device; this page goes on by itself.', '请在设备上返回主页，本页面会自动继续。'),
  },
  'applet-missing': {
    what: say('Your imKey lacks the application that this needs.', 'imKey 缺少所需的应用。'),
    next: say('Install it with the vendor’s program, then try again.', '请用厂商的程序安装，然后重试。'),
  },
  'storage': {
    what: say('This browser does not let the page store the binding.', '本浏览器不允许本页面保存绑定信息。'),
    next: say(
      'Allow storage for this site, or leave the private window, then try again.',
      '请允许本站存储数据，或退出无痕窗口，然后重试。',
    ),
  },
  'storage-full': {
    what: say('This browser has no room left to store the binding.', '本浏览器没有空间保存绑定信息。'),
    next: say('Free some disk space, then try again. Nothing on the imKey was lost.', '请清理磁盘空间后重试。imKey 上没有任何丢失。'),
  },
  'record-corrupt': {
    what: say('What this browser stored about your imKey is damaged.', '本浏览器保存的 imKey 绑定信息已损坏。'),
    next: say(
      'The wallet on your imKey is safe. Forget this binding, then bind the imKey again with its code.',
      'imKey 中的钱包不受影响。请移除此绑定，然后用绑定码重新绑定。',
    ),
  },
  'record-exists': {
    what: say('This browser has a binding with that imKey already.', '本浏览器已有与该 imKey 的绑定。'),
    next: say('Import it again and choose which one to keep. Nothing was changed.', '请重新导入并选择保留哪一个。没有任何改动。'),
  },
  'file-invalid': {
    what: say('This file holds no binding that can be imported.', '该文件中没有可导入的绑定。'),
    next: say('Export it again in the other browser. Nothing was changed.', '请在另一个浏览器中重新导出。没有任何改动。'),
  },
  'wrong-passphrase': {
    what: say('That is not the passphrase of this file.', '口令不正确。'),
    next: say('Enter the one that you chose when you exported it. Nothing was changed.', '请输入导出时设置的口令。没有任何改动。'),
  },
  'invalid-argument': {
    what: say('This page asked your imKey for something that it cannot do.', '本页面向 imKey 发出了它无法执行的请求。'),
    next: say('Reload the page. If it happens again, copy the report and ask for help.', '请刷新页面。若再次出现，请复制诊断报告寻求帮助。'),
  },
  'unsupported-method': {
    what: say('Your imKey does not know what this page asked for.', 'imKey 不支持本页面请求的操作。'),
    next: say('Update its firmware with the vendor’s program, then try again.', '请用厂商的程序升级固件，然后重试。'),
  },
  'internal': {
    what: say('This page made a mistake and stopped. Nothing on your imKey was lost.', '本页面内部出错并已停止，imKey 上没有任何丢失。'),
    next: say('Reload the page. If it happens again, copy the report and ask for help.', '请刷新页面。若再次出现，请复制诊断报告寻求帮助。'),
  },
} satisfies Record<ErrorCode, Entry>

/** advice returns what the user reads about an error: what happened and what to do next. An unknown code counts as internal. */
export function advice(code: ErrorCode, where: Surroundings): Advice {
  const entry: Entry = Object.hasOwn(entries, code) ? entries[code] : entries.internal
  return typeof entry === 'function' ? entry(where) : entry
}
