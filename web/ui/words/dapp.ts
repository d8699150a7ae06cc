import { say, type Text } from './text'

/** dapp holds the words of the demonstration dApp. */
export const dapp = {
  title: say('A dApp with your imKey', '用 imKey 体验 dApp'),
  lead: say(
    'This page does what dApps do, and shows each request that it makes, what your imKey’s screen says, and the answer.',
    '本页面演示 dApp 的工作过程，一切公开可见：它发出的每个请求、imKey 屏幕上的内容，以及得到的结果。',
  ),

  account: say('Account', '账户'),
  connectLead: say(
    'Connect your imKey to see its address. If it is not bound to this browser yet, a dialog asks for its binding code.',
    '连接 imKey 后即可看到它的地址。如果尚未与本浏览器绑定，会出现输入绑定码的对话框。',
  ),
  connect: say('Connect imKey', '连接 imKey'),
  connecting: say('Connecting…', '正在连接…'),
  trySimulated: say('Try with a simulated device', '用模拟设备试一试'),
  disconnect: say('Disconnect', '断开连接'),
  copyAddress: say('Copy the address', '复制地址'),
  copied: say('Copied.', '已复制。'),
  copyFailed: say('The browser refused to copy.', '浏览器拒绝复制。'),
  unplugged: say('Your imKey is unplugged. Plug it in to sign.', 'imKey 已拔出，请插入后再签名。'),

  tabs: say('What to try', '体验内容'),
  tabMessage: say('Message', '消息'),
  tabTypedData: say('Typed data', '结构化数据'),
  tabTransaction: say('Transaction', '交易'),
  tabChain: say('Chain', '链'),
  coins: say('Coin', '币种'),
  ethereum: say('Ethereum', '以太坊'),
  tabPsbt: say('PSBT', '部分签名交易'),
  tabDocument: say('Document', '文档'),
  sign: say('Sign', '签署'),
  psbtText: say(
    'Sites give your imKey a partially signed transaction (PSBT). It shows every payment and the fee. This sample spends an output that does not exist, so it cannot be sent.',
    '网站将部分签名的交易（PSBT）交给 imKey，它会显示每笔付款和手续费。此示例花费的输出并不存在，因此无法发送。',
  ),
  psbtForm: say('A PSBT is text in base 64.', 'PSBT 应为 Base64 文本。'),
  tronText: say(
    'A site makes the transaction, and your imKey shows the amount and the receiver, which are read from it. This sample names no block, so it cannot be sent.',
    '交易由网站组建，imKey 显示从交易中读出的金额和收款方。此示例未引用区块，因此无法发送。',
  ),
  amountTrx: say('Amount in TRX', '金额（TRX）'),
  tronAddressForm: say('An address of TRON begins with T and has 34 letters and digits.', '波场地址以 T 开头，共 34 个字母和数字。'),
  tronAmountForm: say('An amount is a number such as 1.5, with at most 6 decimal places.', '金额应为数字，例如 1.5，最多 6 位小数。'),
  documentText: say(
    'A site signs documents by cosmjs. Your imKey shows the payment, the receiver and the fee, which are read from the document. The sample’s numbers are made up, so it cannot be sent.',
    '网站通过 cosmjs 签署文档。imKey 显示从文档中读出的付款、收款方和手续费。示例中的编号是虚构的，因此无法发送。',
  ),
  documentForm: say('A document is JSON.', '文档应为 JSON。'),
  connectFirst: say('Connect your imKey first.', '请先连接 imKey。'),
  oneAtATime: say('Answer the request that is open first.', '请先处理正在进行的请求。'),

  message: say('Message', '消息'),
  messageText: say(
    'Sites ask you to sign a message to prove that an account is yours. This sends no transaction, but anyone who gets the signature can use it, so sign only what you can read.',
    '网站会请你签署一条消息，以证明账户归你所有。这不会发送交易，但拿到签名的人可以使用它，因此请只签署你看得懂的内容。',
  ),
  signMessage: say('Sign the message', '签署消息'),
  messageEmpty: say('Write a message first.', '请先输入消息。'),

  typedDataText: say(
    'A permit lets someone take tokens from you later, without a transaction now. Read it as you would read a cheque.',
    '许可（permit）允许他人日后从你的账户取走代币，现在无需发送交易。请像核对支票一样核对它。',
  ),
  token: say('Token', '代币'),
  tokenName: say('Demo Token (DEMO)', '演示代币（DEMO）'),
  spender: say('Who may take it', '被授权者'),
  permitAmount: say('Up to', '最多'),
  unlimited: say('Without limit', '不设上限'),
  deadline: say('Valid for', '有效期'),
  deadlineHour: say('One hour', '一小时'),
  signTypedData: say('Sign the permit', '签署许可'),

  transactionText: say(
    'A transaction changes the chain for good. The node fills in what you leave open; your imKey shows the amount, the receiver and the highest fee.',
    '交易一旦上链便无法撤销。未填写的内容由节点补全；imKey 会显示付款金额、收款方和最高费用。',
  ),
  kind: say('Kind', '类型'),
  kindCoins: say('Send coins', '发送币'),
  kindTokens: say('Send tokens', '发送代币'),
  kindApprove: say('Allow tokens without limit', '授权代币，不设上限'),
  kindUnknown: say('Call an unknown contract', '调用未知合约'),
  to: say('To', '收款方'),
  contract: say('Contract', '合约'),
  toMyself: say('My own address', '我的地址'),
  amount: say('Amount', '金额'),
  data: say('Data', '数据'),
  sendTransaction: say('Send the transaction', '发送交易'),
  addressForm: say('An address is 0x and 40 digits from 0 to 9 and a to f.', '地址由 0x 和 40 位 0–9、a–f 组成。'),
  amountForm: say('An amount is a number such as 0.01, with at most 18 decimal places.', '金额应为数字，例如 0.01，最多 18 位小数。'),
  dataForm: say('Data is 0x and an even number of digits from 0 to 9 and a to f.', '数据由 0x 和偶数位 0–9、a–f 组成。'),

  chainText: say(
    'A dApp works on one chain at a time. On another chain, balances and contracts are different, and signatures are valid only there.',
    'dApp 每次只在一条链上工作。换一条链，余额和合约都不同，签名也只在那条链上有效。',
  ),
  switchTo: say('Switch to', '切换到'),
  localChain: say('Local test chain', '本地测试链'),
  switchChain: say('Switch the chain', '切换链'),
  node: say('Node', '节点'),
  nodeText: say(
    'The address of a node on this computer. To start one with coins for testing, run:',
    '本机节点的地址。如需启动一个带测试币的节点，请运行：',
  ),
  useNode: say('Use this node', '使用此节点'),
  nodeForm: say(
    'The address begins with http://localhost: or http://127.0.0.1: and a port. This page reaches no other.',
    '地址须以 http://localhost: 或 http://127.0.0.1: 加端口开头，本页面不会访问其他地址。',
  ),
  nodeSilent: say('No node answers there. Start one, then try again.', '该地址没有节点应答。请先启动节点再试。'),

  request: say('Request', '请求'),
  requestNone: say(
    'No request yet. The requests of this page to the imKey appear here.',
    '尚无请求。本页面向 imKey 发出的请求会显示在这里。',
  ),
  screen: say('On your imKey', 'imKey 屏幕'),
  screenIdle: say('It waits for a request.', '正在等待请求。'),
  screenChoose: say('Choose the imKey in the browser’s window.', '请在浏览器弹出的窗口中选择 imKey。'),
  screenConnector: say('Go on in the window that opened.', '请在打开的窗口中继续。'),
  screenPair: say('Enter the binding code in the dialog.', '请在对话框中输入绑定码。'),
  screenWaits: say(
    'It waits for you: read its screen, then press OK or cancel on the device.',
    '正在等待你：请阅读屏幕内容，然后在设备上按确认或取消。',
  ),
  screenBusy: say('The request is on its way.', '请求正在处理。'),
  screenNode: say('Nothing to do on it: the chain’s node answers this.', '无需在设备上操作：由链上节点应答。'),
  screenSays: say('Compare it with this:', '请与以下内容核对：'),
  pays: say('Pays', '付款'),
  receiver: say('To', '收款方'),
  fee: say('Fee, at most', '最高费用'),
  blindTitle: say('Blind signing', '盲签'),
  blindTypedData: say(
    'The screen shows a digest of the typed data and not what it says. Sign it only for a site that you trust.',
    '屏幕只显示结构化数据的摘要，而不是其内容。只有信任该网站时才应签署。',
  ),
  blindTransaction: say(
    'The screen cannot show all that this transaction does. Send it only if you know the contract.',
    '屏幕无法显示这笔交易的全部作用。只有了解该合约时才应发送。',
  ),
  blindMessage: say(
    'The screen shows a digest of the message and not its words. Sign it only for a site that you trust.',
    '屏幕只显示消息的摘要，而不是原文。只有信任该网站时才应签署。',
  ),
  summarySays: say('The screen does not show this:', '屏幕不会显示以下内容：'),
  'all-nfts': say(
    'The operator can take every NFT and token of this contract from you, now and later, until you end the permission.',
    '在你取消授权之前，被授权者随时可以取走你在此合约中的全部 NFT 和代币。',
  ),
  'nft-or-tokens': say(
    'It is not known whether this contract is a token or a collection of NFTs. In a collection, the number is that of one NFT, and 0 is a number too.',
    '无法得知此合约是代币还是 NFT 合集。若为合集，该数字是某个 NFT 的编号，0 也是一个编号。',
  ),
  'delegation': say(
    'An account runs the code of a contract from then on. That code can move all that the account has.',
    '此后该账户将运行某个合约的代码，该代码可以转走账户中的一切。',
  ),
  'every-chain': say(
    'The transaction names no chain, so anyone can send it on every chain.',
    '这笔交易没有指定链，任何人都可以在任何链上发送它。',
  ),
  'data-fee': say('The chain takes a fee for data as well. It is not known beforehand.', '该链还会收取数据费用，金额无法预先得知。'),
  'callers-symbol': say(
    'The name of the coin is the site’s word: this chain is not known here.',
    '币的名称由网站提供：此处并不认识这条链。',
  ),
  approvalTitle: say('No limit', '不设上限'),
  approvalText: say(
    'Anyone who gets this allowance can take all your tokens of this kind, now and later.',
    '获得此授权的人可以取走你的全部该种代币，现在和以后都可以。',
  ),
  replacesTitle: say('Replaces a transaction', '替换一笔交易'),
  replacesText: say(
    'You signed another transaction with this nonce. Only one of the two is carried out. The other one is:',
    '你已用此 nonce 签署过另一笔交易，两者中只有一笔会执行。另一笔是：',
  ),
  maybeSent: say(
    'A transaction that you signed may be on its way. Look up its hash before you pay again. The same request sends it once more and signs nothing new.',
    '你签署的一笔交易可能已经发出。再次付款前请先查询其哈希。重复同一请求只会重新发送这笔交易，不会重新签名。',
  ),
  buttons: say('The device’s buttons', '设备按键'),
  up: say('Up', '上'),
  down: say('Down', '下'),
  cancelKey: say('Cancel', '取消'),
  ok: say('OK', '确认'),
  giveUp: say('Give the request up', '放弃请求'),
  answer: say('Answer', '结果'),
  answerNone: say('None yet.', '暂无。'),
  answerWaiting: say('Waiting…', '等待中…'),
  answerOf: say('Signature', '签名'),
  answerAddresses: say('Accounts', '账户'),
  answerHash: say('Transaction', '交易'),
  answerDone: say('Done', '完成'),
  copyAnswer: say('Copy the answer', '复制结果'),
  rejected: say('Rejected', '已拒绝'),
  failed: say('Failed', '失败'),
  givenUp: say('Given up', '已放弃'),
  givenUpText: say('You gave the request up. Nothing was signed.', '你放弃了请求，没有签署任何内容。'),
  putAway: say('Stopped', '已停止'),
  putAwayText: say(
    'The browser suspended this page meanwhile. Nothing was signed; send the request again.',
    '浏览器在此期间将本页面转入了后台，没有签署任何内容，请重新发送请求。',
  ),
  signInElsewhere: say(
    'The message signs in to another site, or with another account. Nothing was signed, because the signature could be used there in your name.',
    '这条消息用于登录另一个网站，或使用另一个账户。没有签署任何内容，因为签名可能会被用来以你的名义登录那里。',
  ),
  waitingForBlock: say('Sent. It waits for a block…', '已发送，等待打包…'),
  notMined: say('Sent, and in no block yet.', '已发送，尚未打包。'),
  reverted: say('It is in a block, but the contract refused it.', '已打包，但合约执行失败。'),
  earlier: say('Earlier requests', '之前的请求'),
  unpluggedMeanwhile: say('Nothing was signed. Plug it in and send the request again.', '没有签署任何内容。请插入后重新发送请求。'),
  toDevicePage: say('Give it one on the device page', '前往设备页面创建钱包'),
  simulatedWallet: say('A simulated device gets its wallet on its own page.', '模拟设备的钱包请在其设备页面上创建。'),
} satisfies Record<string, Text>

/** signInWith is a message that proves that an account of a coin is the user's. */
export const signInWith = (host: string, coin: string): Text =>
  say(`${host}: I use ${coin} with my imKey.`, `${host}：我用 imKey 使用 ${coin}。`)

/** onCoin says which coin the account is for. */
export const onCoin = (coin: Text): Text => say(`For: ${coin.en}`, `适用于：${coin.zh}`)

/** onChain says which chain the account is used on. */
export function onChain(chain: Text, id: number): Text {
  return say(`Chain: ${chain.en} (${id})`, `链：${chain.zh}（${id}）`)
}

/** noNodeAt says that no node answers at an address, and that the user can start one. */
export function noNodeAt(url: string): Text {
  return say(
    `No node answers at ${url}. Start one on this computer, then try again:`,
    `${url} 没有节点应答。请先在本机启动一个节点，然后重试：`,
  )
}

/** minedIn says in which block a transaction is. */
export function minedIn(block: number): Text {
  return say(`Mined in block ${block}.`, `已打包进区块 ${block}。`)
}

/** took says how long a request took. */
export function took(ms: number): Text {
  const seconds = ms < 10_000 ? (ms / 1000).toFixed(1) : String(Math.round(ms / 1000))
  return say(`after ${seconds} s`, `用时 ${seconds} 秒`)
}

/** unnamedChain names a chain that the page has no name for. */
export function unnamedChain(id: number): Text {
  return say(`Chain ${id}`, `链 ${id}`)
}

/** nodeIs says which chain a node is on. */
export function nodeIs(chain: Text): Text {
  return say(`This node is on: ${chain.en}. The page uses this node now.`, `此节点所在的链：${chain.zh}。现已启用。`)
}

/** refusals are the sentences for the provider's integer codes (EIP-1193), used if the reason has no sentence. */
export const refusals: Readonly<Record<number, Text>> = {
  4001: say('You rejected it. Nothing was signed.', '你已拒绝，没有签署任何内容。'),
  4100: say(
    'The imKey cannot be used for this: it is not bound, or the account does not belong to it.',
    '不能用 imKey 完成此操作：尚未绑定，或账户不符。',
  ),
  4200: say('There is no such method.', '不支持此方法。'),
  4900: say('Your imKey is not plugged in.', 'imKey 未插入。'),
  4901: say('The node is on another chain than the one selected. Nothing was signed.', '节点与所选的链不一致，没有签署任何内容。'),
  4902: say('This chain is not known here.', '未知的链。'),
  [-32602]: say('The request is malformed.', '请求格式有误。'),
  [-32002]: say('Another request is still open.', '另一个请求尚未结束。'),
}

/** throughConnector says where a connector asks the user. */
export const throughConnector = (host: string): Text =>
  say(
    `This site uses your imKey through ${host}: the binding is there, and not here. A window of ${host} opens and asks you.`,
    `本网站通过 ${host} 使用你的 imKey：绑定在那里进行，而不在本网站。${host} 会打开一个窗口向你确认。`,
  )
