import { say, type Text } from './text'

/** calls holds the words about a batch of calls (EIP-5792). */
export const calls = {
  ask: say('Request to sign several transactions', '请求签署多笔交易'),
  statusTitle: say('Transactions of this batch', '这批交易'),
  hash: say('Hash', '哈希'),
  close: say('Close', '关闭'),
} as const

const statuses: Readonly<Record<number, Text>> = {
  100: say('Not all of them are in a block yet.', '尚未全部上链。'),
  200: say('All of them are in blocks and succeeded.', '全部已上链并成功。'),
  400: say('None of them is in a block, and none will be sent.', '均未上链，也不会再发送。'),
  500: say('They are in blocks, but failed.', '已上链，但执行失败。'),
  600: say('Only a part of them is in blocks and succeeded.', '只有一部分已上链并成功。'),
}

export const callsStatus = (status: number): Text => statuses[status] ?? statuses[100]!

/** How a transaction of a batch stands. */
export const callState = {
  good: say('succeeded', '成功'),
  failed: say('failed', '失败'),
  open: say('not in a block', '未上链'),
} as const

export const callName = (n: number): Text => say(`Transaction ${n}`, `第 ${n} 笔`)

export const callNo = (n: number, state: Text): Text => say(`Transaction ${n}: ${state.en}`, `第 ${n} 笔：${state.zh}`)
