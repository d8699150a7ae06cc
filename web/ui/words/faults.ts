import { say, type Text } from './text'

/** faults holds the words of the simulated device's faults. */
export const faults = {
  menu: say('Faults on the wire', '线路故障'),
  text: say(
    'Lets one packet go wrong, to see what a site makes of it. Packets count from the moment you press the button.',
    '让某个数据包出错，以检验网站如何应对。数据包从按下按钮时开始计数。',
  ),
  kind: say('What happens', '故障类型'),
  direction: say('Direction', '方向'),
  packet: say('Which one', '第几个'),
  count: say('How many in a row', '连续几个'),
  arm: say('Arm this fault', '设置此故障'),
  clear: say('No faults', '清除故障'),
  none: say('No fault is armed.', '未设置故障。'),
  armed: say('Armed:', '已设置：'),
  refused: say('The simulator refused:', '模拟器拒绝：'),
} satisfies Record<string, Text>

/** directions are where a packet goes. */
export const directions = {
  in: say('from the device', '设备发出'),
  out: say('to the device', '发往设备'),
} satisfies Record<string, Text>

/** kinds are what can happen to a packet. */
export const kinds = {
  stall: say('The endpoint stalls', '端点停止响应'),
  short: say('It arrives cut', '数据包被截短'),
  babble: say('The device sends too much', '设备发送过多数据'),
  drop: say('It is lost', '数据包丢失'),
  delay: say('It comes late', '数据包延迟'),
  unplug: say('The cable is pulled', '数据线被拔出'),
  powercut: say('The power fails', '设备断电'),
  corrupt: say('One bit flips', '一个比特出错'),
  zero: say('It comes empty', '收到空数据包'),
} satisfies Record<string, Text>

/** amounts is the number that a kind wants, where it wants one. */
export const amounts = {
  short: say('Bytes left, 0 to 63', '剩余字节数（0 至 63）'),
  delay: say('Milliseconds', '毫秒'),
  corrupt: say('In byte, 0 to 63', '字节位置（0 至 63）'),
} satisfies Record<string, Text>

/** fault says which packets a fault hits, and how. */
export function fault(kind: Text, direction: Text, packet: number, count: number): Text {
  const last = packet + count - 1
  return {
    en: `${count > 1 ? `packets ${packet} to ${last}` : `packet ${packet}`} ${direction.en}: ${kind.en.toLowerCase()}`,
    zh: `${direction.zh}的第 ${count > 1 ? `${packet} 至 ${last}` : packet} 个数据包：${kind.zh}`,
  }
}
