import { device } from './device'
import { say, type Text } from './text'

/** trace holds the words of the diagram of an exchange: on the device page, and in the report of a test that failed. */
export const trace = {
  time: say('Time', '时间'),
  page: say('Page', '网页'),
  sdk: say('SDK', 'SDK'),
  device: say('Device', '设备'),
  user: say('User', '用户'),
  picture: say('The page at this moment', '此刻的网页'),
  dark: device.screenEmpty,
  empty: say('Nothing yet.', '暂无内容。'),
  lost: say(
    'The simulator had ended, so that the screens and the exchange are missing.',
    '模拟器当时已经结束，因此缺少屏幕内容与通信记录。',
  ),
  armed: say('Faults armed:', '已设置故障：'),
  cleared: say('Faults cleared.', '已清除故障。'),
} satisfies Record<string, Text>

/** actions name what a user does with the device, by the names of the control API. */
export const actions: Readonly<Record<string, Text>> = {
  plug: say('Plugs the cable in', '插入数据线'),
  unplug: say('Pulls the cable out', '拔出数据线'),
  powercut: say('Cuts the power', '切断电源'),
  reset: say('Resets the device', '重置设备'),
  menu: say('Opens the menu', '打开菜单'),
  home: say('Returns to the home page', '返回主页'),
  lock: say('Locks the device', '锁定设备'),
  pin: say('Sets the PIN', '设置 PIN'),
  unlock: say('Enters the PIN', '输入 PIN'),
  battery: say('Changes the battery', '改变电量'),
  wallet: say('Makes or restores a wallet', '创建或恢复钱包'),
  bootloader: say('Switches the boot loader', '切换引导程序'),
  confirm: say('Chooses whether to confirm a binding', '选择绑定是否需要确认'),
  unbound: say('Chooses who may sign', '选择谁可以签名'),
  applet: say('Installs or removes an applet', '安装或移除应用'),
  access: say('Changes the system’s access rights', '改变系统的访问权限'),
}

/** presses says that a user presses a button, or holds it down. */
export function presses(button: 'ok' | 'cancel' | 'up' | 'down', hold: boolean): Text {
  const { en, zh } = device[button]
  return hold ? say(`Holds ${en}`, `长按“${zh}”`) : say(`Presses ${en}`, `按下“${zh}”`)
}

/** plugs are the events of the cable and of the browser that uses the device, by their texts in a trace. */
export const plugs: Readonly<Record<string, Text>> = {
  plugged: say('Plugged in', '已插线'),
  unplugged: say('Unplugged', '已拔线'),
  detached: say('Releases the device', '释放设备'),
  reset: say('The bus is reset', '总线已重置'),
}

/** attached says that a browser takes the device, and the way. */
export function attached(host: string): Text {
  return say(`Takes the device: ${host}`, `占用设备：${host}`)
}
