import { say, type Text } from './text'

/** coins holds the words of the request screens for coins besides Ethereum. */
export const coins = {
  tron: say('TRON', '波场 TRON'),
  bitcoin: say('Bitcoin', '比特币 Bitcoin'),
  cosmos: say('Cosmos', 'Cosmos 链'),
  ethereum: say('Ethereum and its kind', '以太坊及同类链'),
  coin: say('For', '适用于'),
  memo: say('Memo', '备注'),
  permission: say('Signed by permission no.', '签名所用权限编号'),
  permissionText: say(
    'This transaction is signed by another permission than the owner’s. Others may have to sign it, too.',
    '该交易使用所有者以外的权限签名，可能还需要他人签名。',
  ),
  bandwidth: say('The network takes bandwidth of the account besides, or a little TRX.', '此外网络会消耗账户的带宽，或收取少量 TRX。'),
  onlyBandwidth: say('Bandwidth of the account, or a little TRX', '账户的带宽，或少量 TRX'),
  energyFee: say('Fee for energy, at most', '能量费用上限'),
  changePermissions: say(
    'From then on, other keys can control the account, and yours may not. The account and all that it has can be lost.',
    '此后其他密钥可以控制该账户，而你的密钥可能失效。账户及其全部资产可能丢失。',
  ),
  otherContract: say(
    'Only the type of this transaction is known here. Reject it if you are not sure.',
    '此处只知道该交易的类型。如不确定，请拒绝。',
  ),
  resourceTo: say('For', '接收方'),
  script: say('a script without an address', '没有地址的脚本'),
  change: say('Back to you', '找零给你'),
  unsigned: say('Inputs that are not yours', '不属于你的输入'),
  spends: say('Your inputs', '你的输入合计'),
  leaves: say('Leaves your wallet', '从钱包转出'),
  allSpent: say('All inputs', '全部输入合计'),
  foreignInputs: say(
    'Others pay with you in this transaction. Their inputs are left unsigned, and their amounts are claims.',
    '该交易还有他人的输入：它们不会被签名，其金额只是声称的数字。',
  ),
  dust: say(
    'An output is so small that nodes do not relay it. The transaction may never be mined.',
    '有输出过小，节点不会转发，该交易可能永远无法上链。',
  ),
  noAddress: say('An output has a script without an address. Reject it if you are not sure.', '有输出是没有地址的脚本。如不确定，请拒绝。'),
  types: say('Messages', '消息类型'),
  cosmosBlind: say(
    'Your imKey does not show all of it, or only its type is known here. Reject it if you are not sure.',
    'imKey 不会显示全部内容，或此处只知道其类型。如不确定，请拒绝。',
  ),
  highFee: say('This fee is unusually high. Miners get it, and no one gives it back.', '此费用异常高，将归矿工所有，无法退回。'),
  highFeeOverride: say('I know that this fee is high, and want to pay it', '我知道此费用很高，仍要支付'),
} satisfies Record<string, Text>

/** coinSentence holds the sentences that say what happens. */
export const coinSentence = {
  accounts: (host: string, coin: Text) => say(`${host} wants to see your ${coin.en} address`, `${host} 想查看你的${coin.zh}地址`),
  message: (coin: Text) => say(`Sign a message with your ${coin.en} account`, `用你的${coin.zh}账户签署一条消息`),
  sendSeveral: (amount: Text, n: number) => say(`Send ${amount.en} to ${n} receivers`, `向 ${n} 个收款方发送 ${amount.zh}`),
  changePermissions: () => say('CHANGE WHO CONTROLS your account', '更改你的账户的控制权'),
  /** What core says of staking and of other transactions, with the kind in Chinese before it. */
  named: (kind: Text, text: string) => say(text, `${kind.zh}：${text}`),
} as const

/** The kinds of transactions of TRON that core puts in words. */
export const tronKinds: Readonly<Record<string, Text>> = {
  'stake': say('Stake', '质押'),
  'unstake': say('Unstake', '解除质押'),
  'withdraw-unstaked': say('Withdraw unstaked TRX', '提取已解除质押的 TRX'),
  'cancel-unstaking': say('Cancel unstaking', '取消解除质押'),
  'delegate-resource': say('Lend a resource', '出借资源'),
  'reclaim-resource': say('Take a resource back', '收回资源'),
  'vote': say('Vote', '投票'),
  'claim-rewards': say('Claim rewards', '领取奖励'),
  'create-account': say('Create an account', '创建账户'),
  'token-approval': say('Approval', '授权'),
  'token-permit': say('Permit', '许可'),
  'token-transfer-from': say('Transfer', '转账'),
  'nft-transfer': say('Transfer of an NFT', 'NFT 转账'),
  'other': say('Other transaction', '其他交易'),
}

/** The networks of Bitcoin. */
export const networks: Readonly<Record<string, Text>> = {
  mainnet: say('Bitcoin', '比特币 Bitcoin'),
  testnet: say('Bitcoin testnet', '比特币测试网'),
  signet: say('Bitcoin signet', '比特币 signet 测试网'),
  regtest: say('Bitcoin regtest', '比特币 regtest 测试网'),
}

/** The kinds of documents of Cosmos that core puts in words. */
export const cosmosKinds: Readonly<Record<string, Text>> = {
  'transfer': say('Transfer', '转账'),
  'delegate': say('Delegate', '委托'),
  'undelegate': say('Undelegate', '解除委托'),
  'claim-rewards': say('Claim rewards', '领取奖励'),
  'vote': say('Vote', '投票'),
  'ibc-transfer': say('Transfer to another chain', '跨链转账'),
  'several': say('Several messages', '多条消息'),
  'other': say('Other message', '其他消息'),
}
