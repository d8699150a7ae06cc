import type { ErrorCode } from 'imkey-connect'
import { errors, type Sentences } from './errors.gen'
import { say } from './text'
import { udevRule, usbIds } from './usbids.gen'

/** Platform is what the advice depends on: drivers and access rights differ. */
export type Platform = 'linux' | 'windows' | 'mac' | 'android' | 'chromeos' | 'other'

export interface Surroundings {
  readonly platform: Platform
  /** The page is in an iframe without `allow="usb"`. */
  readonly framed: boolean
}

/** Advice is what a user reads about an error where they are. */
export interface Advice extends Sentences {
  /** Something to copy unchanged, such as a udev rule. */
  readonly snippet?: string
}

/** permission adds to the sentences for permission-denied what helps on the system at hand. */
function permission(where: Surroundings): Advice {
  const denied = errors['permission-denied']
  if (where.framed) {
    return {
      what: say('This page is inside another page that does not let it use USB.', '本页面嵌在另一个网页中，而后者不允许它使用 USB。'),
      next: say(
        'Open this page in a tab of its own. The owner of the outer page can add this to its iframe:',
        '请在单独的标签页中打开本页面。外层网页的维护者可在其 iframe 上加入：',
      ),
      snippet: 'allow="usb"',
    }
  }
  switch (where.platform) {
    case 'linux':
      return {
        ...denied,
        next: say(
          'On Linux, save this rule as /etc/udev/rules.d/70-imkey.rules, run “sudo udevadm control --reload”, and plug the imKey in again:',
          '在 Linux 上，请将下面这条规则存为 /etc/udev/rules.d/70-imkey.rules，运行“sudo udevadm control --reload”，然后重新插入 imKey：',
        ),
        snippet: udevRule,
      }
    case 'windows':
      return {
        ...denied,
        next: say(
          `On Windows, the browser needs the WinUSB driver on the imKey’s vendor interface. Close the vendor’s programs and plug it in again. If that does not help, someone who knows Windows drivers can assign WinUSB to USB ID ${usbIds} in Device Manager, or with Zadig, a third-party tool; the vendor’s own programs may need their driver back afterwards.`,
          `在 Windows 上，浏览器需要 imKey 的厂商接口使用 WinUSB 驱动。请先关闭厂商的程序并重新插入。若仍无效，可请熟悉 Windows 驱动的人在设备管理器中，或用第三方工具 Zadig，为 USB ID ${usbIds} 指定 WinUSB；之后厂商自己的程序可能需要换回原驱动。`,
        ),
      }
    case 'android':
      return {
        ...denied,
        next: say(
          'Allow USB access when Android asks, close other wallet apps, and plug the imKey in again.',
          '请在 Android 询问时允许访问 USB，关闭其他钱包应用，然后重新插入 imKey。',
        ),
      }
    case 'chromeos':
    case 'mac':
    case 'other':
      return denied
  }
}

/**
 * advice returns what a user reads about an error. reason is its data.reason, if it has one. The pages say `internal` of a code
 * that they do not know, such as one of a later version.
 */
export function advice(code: ErrorCode, where: Surroundings, reason?: unknown): Advice {
  const all: Readonly<Record<string, Sentences>> = errors
  const own = `${code}/${String(reason)}`
  if (code === 'permission-denied' && (where.framed || !Object.hasOwn(all, own))) return permission(where)
  return all[[own, code].find((key) => Object.hasOwn(all, key)) ?? 'internal']!
}
