import { say, type Text } from './text'

/** faults are the words of the panel for faults. */
export const faults = {
  menu: say('Faults on the wire', '线路故障'),
  text: say(
    'Makes a packet fail, to test how a site handles it. Packets are counted from the moment you press the button.',
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

/** directions are the directions of a packet. */
export const directions = {
  in: say('from the device', '设备发出'),
  out: say('to the device', '发往设备'),
} satisfies Record<string, Text>

/** kinds name the kinds of faults. */
export const kinds = {
  stall: say('The endpoint stalls', '端点停止响应'),
  short: say('It is cut short', '数据包被截短'),
  babble: say('The device sends too much', '设备发送过多数据'),
  drop: say('It is lost', '数据包丢失'),
  delay: say('It is late', '数据包延迟'),
  unplug: say('The cable is unplugged', '数据线被拔出'),
  powercut: say('The power fails', '设备断电'),
  corrupt: say('One bit flips', '一个比特出错'),
  zero: say('It is empty', '收到空数据包'),
} satisfies Record<string, Text>

/** amounts name the number that some kinds need. */
export const amounts = {
  short: say('Bytes left', '剩余字节数'),
  delay: say('Milliseconds', '毫秒'),
  corrupt: say('In byte', '字节位置'),
} satisfies Record<string, Text>

/** amount names a number and its range. */
export function amount(name: Text, min: number, max: number): Text {
  return { en: `${name.en}, ${min} to ${max}`, zh: `${name.zh}（${min} 至 ${max}）` }
}

/** fault describes an armed fault. */
export function fault(kind: Text, direction: Text, packet: number, count: number): Text {
  const last = packet + count - 1
  return {
    en: `${count > 1 ? `packets ${packet} to ${last}` : `packet ${packet}`} ${direction.en}: ${kind.en.toLowerCase()}`,
    zh: `${direction.zh}的第 ${count > 1 ? `${packet} 至 ${last}` : packet} 个数据包：${kind.zh}`,
  }
}
