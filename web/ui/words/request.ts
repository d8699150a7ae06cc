import { say, type Text } from './text'

/** request holds the words of the request screens that do not depend on the request. */
export const request = {
  title: say('Request', '请求'),
  asks: say('asks you', '向你请求'),
  who: say('Who asks', '请求方'),
  first: say('This site asks for the first time.', '该网站首次向你请求。'),
  notEncrypted: say(
    'The connection to this site is not encrypted. Others can change what it says.',
    '与该网站的连接未加密，他人可能篡改其内容。',
  ),
  thisComputer: say('This page runs on your own computer.', '此页面运行在你自己的电脑上。'),
  ip: say('This site has no name, only an address in numbers.', '该网站没有域名，只有数字地址。'),
  extension: say('This is a browser extension and not a website.', '这是浏览器扩展，而不是网站。'),
  opaque: say('The browser does not say which site this is. Reject it.', '浏览器无法说明这是哪个网站，请拒绝。'),

  reject: say('Reject', '拒绝'),
  goOn: say('Continue on imKey', '在 imKey 上继续'),
  allow: say('Allow', '允许'),
  override: say('I know that this signs me in elsewhere, and want it', '我知道这会登录到其他地方，仍要继续'),
  overrideAccount: say('I know that the message names another account, and want it', '我知道消息中写的是另一个账户，仍要继续'),
  overrideFirst: say('Tick the box first, or reject.', '请先勾选上面的选项，或拒绝。'),
  cancel: say('Cancel', '取消'),
  next: say('Show the next request', '查看下一个请求'),
  close: say('Close', '关闭'),

  compareTitle: say('Compare and press OK on your imKey', '核对后在 imKey 上按确认'),
  compareLead: say('If it shows something else, press cancel on the device.', '如果显示的内容不一致，请在设备上按取消。'),
  sendingTitle: say('The request goes to your imKey', '正在把请求发送到 imKey'),
  sendingLead: say('Nothing to do yet.', '暂时无需操作。'),
  cancellingTitle: say('Cancelling', '正在取消'),
  unlockTitle: say('Unlock your imKey', '请解锁 imKey'),
  unlockLead: say('Enter its PIN on the device. The request goes on by itself.', '请在设备上输入 PIN 码，之后会自动继续。'),
  withdrawnTitle: say('The site withdrew its request', '网站撤回了请求'),
  withdrawnLead: say('Nothing was signed.', '没有签署任何内容。'),
  doneTitle: say('Done', '已完成'),
  doneLead: say('The site has its answer.', '网站已得到答复。'),
  rejectedTitle: say('Rejected', '已拒绝'),
  rejectedLead: say('Nothing was signed. The site was told that you do not want it.', '没有签署任何内容，网站已得知你拒绝了请求。'),
  failedTitle: say('It did not work', '未能完成'),
  unpluggedLead: say('Plug it in again, then ask once more on the site.', '请重新插入，然后在网站上再次发起请求。'),
  choose: say('Choose imKey', '选择 imKey'),
  chooseLead: say(
    'If it is plugged in, this browser may no longer be allowed to use it. Then choose it again.',
    '如果它已插入，可能是浏览器不再被允许使用它。这时请重新选择它。',
  ),
  chosenTitle: say('Your imKey is connected', '已连接 imKey'),
  chosenLead: say('Go back to the site and ask again.', '请回到网站，再次发起请求。'),
  idleTitle: say('No request', '没有请求'),
  idleLead: say('Requests of sites that you use appear here.', '你使用的网站发来的请求会显示在这里。'),

  cost: say('What it costs', '费用'),
  fee: say('Fee, at most', '最高费用'),
  total: say('Together, at most', '合计最多'),
  chain: say('Chain', '链'),
  node: say('Node', '节点'),
  account: say('Your account', '你的账户'),
  feeHidden: say('Fee not shown on your imKey', 'imKey 上不显示费用'),
  feeHigh: say('This fee is unusually high. The site set it.', '此费用异常高，由网站设定。'),
  dataFee: say('The chain takes a fee for data as well. It is not known beforehand.', '该链还会收取数据费用，金额无法预先得知。'),
  everyChain: say(
    'The transaction names no chain. Anyone can send it on every chain, also where your account has more.',
    '这笔交易没有指定链，任何人都可以在任何链上发送它，包括你的账户中资产更多的链。',
  ),
  siteNames: say(
    'The name of the chain and of its coin are the site’s words: this chain is not known here.',
    '链的名称和币名由网站提供：此处并不认识这条链。',
  ),
  noCost: say('Signing costs nothing. What is signed can be used later.', '签名本身不收费，但签署的内容之后可被使用。'),
  signsOnly: say('The site gets the signed transaction. It can send it at any time.', '网站将得到已签名的交易，可以随时发送。'),
  sitesWord: say('the site’s word', '网站提供'),

  deviceTitle: say('Your imKey shows next', '接下来 imKey 会显示'),
  deviceNow: say('Your imKey shows now', 'imKey 正在显示'),
  deviceText: say('Compare it on the device before you press OK there.', '在设备上按确认之前，请逐一核对。'),
  deviceDigest: say(
    'Your imKey cannot show this. It shows a number that stands for it:',
    'imKey 无法显示此内容，只会显示代表它的一串数字：',
  ),
  deviceBlind: say(
    'Your imKey does not show all that this does. This screen is the only place where you can read it.',
    'imKey 不会显示全部内容，你只能在此屏幕上阅读。',
  ),
  deviceUnknown: say('Your imKey shows a number that stands for the content.', 'imKey 会显示代表该内容的一串数字。'),

  details: say('All that is signed', '签署的全部内容'),
  data: say('Data', '数据'),
  more: say('Show all', '显示全部'),
  empty: say('(empty)', '（空）'),
  absent: say('(missing)', '（缺失）'),
  message: say('Message', '消息'),
  messageHex: say('Message, in hex', '消息（十六进制）'),
  hiddenMarks: say(
    'The text has characters that are not visible or that change its direction. Each is marked with its code.',
    '文本含有不可见或改变方向的字符，均已标出其编码。',
  ),
  tooMuch: say(
    'This is too much to read: not all of it is shown here. Reject it if you are not sure.',
    '内容过多，此处未能全部显示。如不确定，请拒绝。',
  ),

  to: say('To', '收款方'),
  contract: say('Contract', '合约'),
  from: say('From', '付款方'),
  amount: say('Amount', '金额'),
  token: say('Token', '代币'),
  spender: say('Who may take it', '被授权者'),
  operator: say('Who may take them', '被授权者'),
  manager: say('Who may do so', '被授权者'),
  owner: say('Owner', '所有者'),
  nft: say('NFT no.', 'NFT 编号'),
  until: say('Valid until', '有效期至'),
  receiver: say('Receiver', '接收方'),
  code: say('Code at', '代码地址'),
  method: say('Call', '调用'),
  sends: say('Sends with it', '随附金额'),
  expires: say('Signature usable until', '签名可用至'),
  gives: say('You give', '你付出'),
  gets: say('You get', '你得到'),
  offerer: say('Offered by', '挂单者'),
  domain: say('Application', '应用'),
  website: say('Signs in to', '登录到'),
  asking: say('Asked by', '请求来自'),
  resource: say('Web address', '网址'),
  replaces: say('Replaces', '替换'),
  safe: say('Safe', 'Safe 多签'),
  refund: say('Refund', 'Gas 退款'),
  refundTo: say('Refund to', '退款收款方'),
  refundIn: say('Refund in', '退款代币'),
  operation: say('Runs as', '执行方式'),
  always: say('without end', '永久'),
  unlimited: say('without limit', '不设上限'),

  unlimitedText: say(
    'Without limit: all your tokens of this kind can be taken, now and later.',
    '不设上限：对方可以随时取走你的全部该种代币，现在和以后都可以。',
  ),
  allNFTs: say(
    'Every NFT and token of this contract can be taken from you, now and later, until you end the permission.',
    '在你取消授权之前，此合约中你的全部 NFT 和代币随时可被取走。',
  ),
  manageText: say(
    'All that you lent there can be taken, and you can be left with debts, now and later, until you end the permission.',
    '在你取消授权之前，对方可以随时取走你存入的全部资产，并让你负债。',
  ),
  borrowText: say(
    'Without limit: you owe what it borrows. It can use up all that you lent there, now and later.',
    '不设上限：对方借入的由你偿还，现在和以后都可能耗尽你在那里存入的全部资产。',
  ),
  nftOrTokens: say(
    'It is not known whether this contract is a token or a collection of NFTs. In a collection, the number is that of one NFT, and 0 is a number too.',
    '无法得知此合约是代币还是 NFT 合集。若为合集，该数字是某个 NFT 的编号，0 也是一个编号。',
  ),
  toToken: say(
    'The receiver is the token’s own contract. Tokens that are sent there are usually lost.',
    '收款方是代币合约本身，发送到那里的代币通常会丢失。',
  ),
  takesWithout: say(
    'With this signature, the tokens can be taken without a transaction of yours and without asking you again.',
    '凭此签名，对方无需你发送交易、也无需再次询问即可取走代币。',
  ),
  callsIt: say('The token calls the contract there with it, which can act on it at once.', '代币会随之调用对方合约，对方可立即使用。'),
  unknownCall: say(
    'This call cannot be decoded here. It can do anything that the contract can do with your account and your allowances.',
    '此处无法解读该调用。它可以做该合约对你的账户和授权所能做的任何事。',
  ),
  unknownData: say(
    'It is not known here what this application does with the signature. It can be worth as much as a payment.',
    '此处不了解该应用会如何使用此签名，它的效力可能等同于付款。',
  ),
  unreadType: say(
    'The type has the name of a known permit, order or transaction, but its content cannot be read here. Reject it if you are not sure.',
    '该类型与已知的许可、订单或交易同名，但此处无法解读其内容。如不确定，请拒绝。',
  ),
  refundText: say(
    'The Safe pays a refund for gas with this transaction. The site set its price, its token and its receiver.',
    'Safe 会随此交易支付 Gas 退款，其单价、代币和收款方均由网站设定。',
  ),
  creation: say('Nothing is known here of the code.', '此处不了解该代码的作用。'),
  trailing: say('The call has more bytes at its end, which are not decoded.', '该调用末尾还有未解读的数据。'),
  delegation: say(
    'The account runs the code of that contract from then on. The code can move all that the account has, also without asking you.',
    '此后该账户将运行该合约的代码。代码可以转走账户中的一切，且无需询问你。',
  ),
  delegateCall: say(
    'The Safe runs the code of another contract with all its rights. Such code can take everything in the Safe.',
    'Safe 将以自身的全部权限运行另一个合约的代码，这样的代码可以取走 Safe 中的一切。',
  ),
  strangeContract: say(
    'The contract is not the known one of this name. Reject it if you are not sure.',
    '该合约并非此名称所对应的已知合约。如不确定，请拒绝。',
  ),
  nothingBack: say('You get nothing for it.', '你不会得到任何回报。'),
  hiddenOrders: say('Not all orders are shown.', '未显示全部挂单。'),
  signInOther: say(
    'Stop: this message signs in to another site than the one that asks. With the signature, the site that asks can sign in there in your name.',
    '停止：此消息登录的网站与请求的网站不同。凭此签名，请求方可以冒用你的名义登录。',
  ),
  signInNone: say(
    'Stop: this message signs in, but does not say clearly where. With the signature, the site that asks can sign in elsewhere in your name.',
    '停止：此消息用于登录，但没有清楚写明登录到哪里。请求方可能凭此签名冒用你的名义登录其他网站。',
  ),
  signInAccount: say('Stop: the message names another account than the one that signs.', '停止：消息中写的账户与签名的账户不同。'),
  signInURI: say('The address in the message belongs to another site.', '消息中的地址属于其他网站。'),
  signInChain: say('The message names another chain than the selected one.', '消息中的链与当前所选的链不同。'),
  replacesText: say(
    'It has the same number as an earlier transaction. Only one of the two is mined.',
    '它与之前的一笔交易编号相同，两者只有一笔会上链。',
  ),
  digestLike: say(
    'The message is 32 bytes that cannot be read. It may stand for something else, such as an order.',
    '该消息是 32 字节的数据，无法阅读，可能代表其他内容，例如订单。',
  ),
  accountsText: say(
    'It can then see what these accounts own and did. It cannot move anything: each signature is asked for.',
    '之后它可以看到这些账户的资产和历史记录，但无法动用任何资产：每次签名都会询问你。',
  ),
  accountsChoose: say('Which accounts it may see', '允许查看的账户'),
  accountsNone: say('Choose at least one account, or reject.', '请至少选择一个账户，或拒绝。'),
  batchPart: say('Part of a batch', '属于一批调用'),
  serial: say('Serial number', '序列号'),
  calledHere: say('Its name here', '在此处的名称'),
  handOverText: say(
    'From then on, the site asks here for each signature. Accept it only if you bound your imKey on this site before.',
    '之后该网站的每次签名都会在此询问。只有你曾在该网站绑定过 imKey 时才应接受。',
  ),
  handOverReplaces: say(
    'This browser has a binding with that imKey already. The one of the site would replace it.',
    '本浏览器已与该 imKey 绑定，网站的绑定将取而代之。',
  ),
  handOverOverride: say('Replace the binding of this browser', '替换本浏览器的绑定'),
  tooSmall: say('Make this window larger, so that you see the whole request.', '请放大此窗口，以便看清整个请求。'),
  offScreen: say('Move this window so that all of it is on the screen.', '请移动此窗口，使其完整显示在屏幕上。'),
  unseen: say('Scroll until you have seen who asks and what happens.', '请滚动页面，看清请求方和请求内容。'),
  rejectAll: say('Reject all requests of this site', '拒绝该网站的全部请求'),
  batch: say(
    'The calls are carried out one after another. If one fails, those before it stay.',
    '这些调用依次执行。如果其中一个失败，之前的仍然有效。',
  ),
} satisfies Record<string, Text>

type T = Text
const one = (text: string): Text => say(text, text)

/** The sentences that say what happens. */
export const sentence = {
  accounts: (host: string) => say(`${host} wants to see your address`, `${host} 想查看你的地址`),
  handOver: () => say('Take over the binding that this site has with your imKey', '接管该网站与你的 imKey 的绑定'),
  signIn: (domain: string) => say(`Sign in to ${domain}`, `登录到 ${domain}`),
  signInNowhere: () => say('Sign in to a site that the message does not name', '登录到消息中未写明的网站'),
  message: () => say('Sign a message', '签署一条消息'),
  bytes: (n: number) => say(`Sign ${n} bytes that are no text`, `签署 ${n} 字节的非文本数据`),
  send: (amount: T, to: T) => say(`Send ${amount.en} to ${to.en}`, `向 ${to.zh} 发送 ${amount.zh}`),
  sendFrom: (amount: T, from: T, to: T) =>
    say(`Send ${amount.en} of ${from.en} to ${to.en}`, `将 ${from.zh} 的 ${amount.zh} 发送给 ${to.zh}`),
  nothing: (to: T) => say(`Send nothing to ${to.en}`, `向 ${to.zh} 发送零金额`),
  approve: (spender: T, amount: T) => say(`Let ${spender.en} spend up to ${amount.en}`, `允许 ${spender.zh} 花费最多 ${amount.zh}`),
  approveAll: (spender: T, token: T) => say(`Let ${spender.en} spend all your ${token.en}`, `允许 ${spender.zh} 花费你的全部 ${token.zh}`),
  approveMore: (spender: T, amount: T) => say(`Let ${spender.en} spend ${amount.en} more`, `允许 ${spender.zh} 多花费 ${amount.zh}`),
  approveFewer: (spender: T, amount: T) =>
    say(`Let ${spender.en} spend ${amount.en} less`, `将 ${spender.zh} 的可花费额度减少 ${amount.zh}`),
  endApproval: (spender: T, token: T) =>
    say(`End what ${spender.en} may spend of your ${token.en}`, `取消 ${spender.zh} 对你的 ${token.zh} 的授权`),
  nft: (id: string, contract: T) => say(`NFT no. ${id} of ${contract.en}`, `${contract.zh} 的 ${id} 号 NFT`),
  nfts: (count: string, id: string, contract: T) =>
    say(`${count} of NFT no. ${id} of ${contract.en}`, `${contract.zh} 的 ${id} 号 NFT 共 ${count} 个`),
  tokenNo: (id: string, contract: T) => say(`token no. ${id} of ${contract.en}`, `${contract.zh} 的 ${id} 号代币`),
  numbered: (count: string, token: T) => say(`${count} of ${token.en}`, `${token.zh} ${count} 个`),
  several: (n: number, contract: T) => say(`${n} kinds of NFTs of ${contract.en}`, `${contract.zh} 的 ${n} 种 NFT`),
  letTake: (operator: T, what: T) => say(`Let ${operator.en} take ${what.en}`, `允许 ${operator.zh} 取走 ${what.zh}`),
  letTakeEvery: (operator: T, token: T) =>
    say(`Let ${operator.en} take all you have of ${token.en}`, `允许 ${operator.zh} 取走你的全部 ${token.zh}`),
  letTakeAll: (operator: T, contract: T) =>
    say(
      `Let ${operator.en} take ALL your NFTs and tokens of ${contract.en}`,
      `允许 ${operator.zh} 取走你在 ${contract.zh} 中的全部 NFT 和代币`,
    ),
  borrow: (who: T, amount: T) => say(`Let ${who.en} borrow ${amount.en} in your name`, `允许 ${who.zh} 以你的名义借入 ${amount.zh}`),
  borrowAll: (who: T, token: T) =>
    say(`Let ${who.en} borrow ${token.en} in your name, without limit`, `允许 ${who.zh} 以你的名义不限量借入 ${token.zh}`),
  manage: (who: T, contract: T) =>
    say(
      `Let ${who.en} take what you lent at ${contract.en}, and borrow in your name`,
      `允许 ${who.zh} 取走你存入 ${contract.zh} 的资产，并以你的名义借款`,
    ),
  endManage: (who: T, contract: T) =>
    say(
      `End what ${who.en} may take or borrow in your name at ${contract.en}`,
      `取消 ${who.zh} 在 ${contract.zh} 以你的名义取款和借款的授权`,
    ),
  endForAll: (operator: T, contract: T) =>
    say(`End what ${operator.en} may take of ${contract.en}`, `取消 ${operator.zh} 对 ${contract.zh} 的授权`),
  either: (a: T, b: T) => say(`${a.en}, or ${lower(b.en)}`, `${a.zh}，或 ${b.zh}`),
  wrap: (amount: T, token: T) => say(`Change ${amount.en} to ${token.en}`, `将 ${amount.zh} 换成 ${token.zh}`),
  unwrap: (amount: T) => say(`Change ${amount.en} back`, `将 ${amount.zh} 换回原币`),
  transferOwnership: (contract: T, to: T) =>
    say(`Give the contract ${contract.en} to ${to.en}`, `将合约 ${contract.zh} 的所有权转给 ${to.zh}`),
  calls: (n: number) => say(`Make ${n} calls, one after another`, `依次执行 ${n} 个调用`),
  callsIn: (n: number, contract: T) => say(`Make ${n} calls in one through ${contract.en}`, `通过 ${contract.zh} 一次执行 ${n} 个调用`),
  call: (contract: T) => say(`Call the contract ${contract.en}`, `调用合约 ${contract.zh}`),
  callAndSend: (contract: T, amount: T) =>
    say(`Send ${amount.en} to the contract ${contract.en} and call it`, `向合约 ${contract.zh} 发送 ${amount.zh} 并调用它`),
  create: () => say('Create a contract', '创建合约'),
  lockdown: () => say('End allowances of Permit2', '取消 Permit2 授权'),
  permit: (inner: T) => say(`Permit by signature: ${lower(inner.en)}`, `签名许可：${inner.zh}`),
  permitAgain: (inner: T) => say(`Hand in a signed permit: ${lower(inner.en)}`, `提交已签署的许可：${inner.zh}`),
  approveSeveral: (spender: T, n: number) => say(`Let ${spender.en} spend ${n} of your tokens`, `允许 ${spender.zh} 花费你的 ${n} 种代币`),
  order: (gives: T, gets: T) => say(`Offer ${gives.en} for ${gets.en}`, `挂单：以 ${gives.zh} 换取 ${gets.zh}`),
  orders: (n: number) => say(`Offer for sale, in ${n} orders at once`, `一次签署 ${n} 个挂单`),
  nothingOf: () => say('nothing', '无'),
  safe: (inner: T) => say(`As an owner of a Safe: ${lower(inner.en)}`, `作为 Safe 的所有者：${inner.zh}`),
  safeMessage: () => say('Sign a message for a Safe', '为 Safe 签署消息'),
  forward: (inner: T) => say(`Let another account send for you: ${lower(inner.en)}`, `由他人代为发送：${inner.zh}`),
  typed: (type: string, app: string) =>
    app ? say(`Sign “${type}” for the application “${app}”`, `为应用“${app}”签署“${type}”`) : say(`Sign “${type}”`, `签署“${type}”`),
  delegate: (code: T) => say(`Give FULL CONTROL of an account to the code at ${code.en}`, `将账户的完全控制权交给 ${code.zh} 处的代码`),
  undelegate: () => say('End the delegation of an account', '取消账户的委托'),
  also: (a: T, b: T) => say(`${a.en}. ${b.en}`, `${a.zh}。${b.zh}`),
} as const

const lower = (text: string) => (/^[A-Z][a-z]/.test(text) ? text[0]!.toLowerCase() + text.slice(1) : text)

/** The parts of sentences. */
export const phrase = {
  own: say('your own account', '你自己的账户'),
  units: (n: string, token: string) => say(`${n} units of the token ${token}`, `${n} 个单位的代币 ${token}`),
  tokens: (token: string) => say(`tokens of ${token}`, `${token} 代币`),
  amount: (n: string, symbol: string) => one(`${n} ${symbol}`),
  coins: (n: string) => say(`${n} of the chain’s coin`, `${n} 链上原生币`),
  sites: (text: T) => say(`${text.en} (the site’s word)`, `${text.zh}（网站提供）`),
  name: one,
  chainNo: (id: string) => say(`Chain ${id}`, `链 ${id}`),
  sender: say('the account that sends the transaction', '发送该交易的账户'),
  refund: (most: T, to: T, each: T) =>
    say(
      `up to ${most.en} to ${to.en}, and ${each.en} more for each unit of gas that the call itself costs`,
      `最多向 ${to.zh} 支付 ${most.zh}，调用本身每消耗一单位 Gas 另加 ${each.zh}`,
    ),
  everyChain: say('every chain', '所有链'),
  onChain: (where: T) => say(`on ${where.en}`, `在 ${where.zh}`),
  andMore: (n: number) => say(`and ${n} more`, `另有 ${n} 项`),
  and: (list: readonly T[]) => say(list.map((t) => t.en).join(', '), list.map((t) => t.zh).join('、')),
  since: (date: T) => say(`You have known this site since ${date.en}.`, `你自 ${date.zh} 起认识该网站。`),
  letters: (text: string) => say(`In its own letters: ${text}`, `以原文字显示：${text}`),
  odd: (text: string) =>
    say(
      `The name has letters that look like others: ${text}. It may pass for another site.`,
      `名称中含有形似其他字母的字符：${text}，可能冒充其他网站。`,
    ),
  like: (host: string) =>
    say(`This is not ${host}, which you know. The name only looks like it.`, `这不是你认识的 ${host}，只是名称相似。`),
  hosting: (service: string) => say(`Anyone can have a page at ${service}.`, `任何人都可以在 ${service} 上开设页面。`),
  waitingFrom: (n: number, hosts: string) => say(`${n} more waiting, from ${hosts}`, `另有 ${n} 个请求等待中，来自 ${hosts}`),
  batch: (first: number, last: number, total: number) =>
    first === last
      ? say(`call ${first} of ${total}`, `第 ${first} 个，共 ${total} 个`)
      : say(`calls ${first} to ${last} of ${total}`, `第 ${first} 至 ${last} 个，共 ${total} 个`),
  step: (n: number, of: number) => say(`${n} of ${of}`, `第 ${n} 个，共 ${of} 个`),
  asksTimes: (n: number) => say(`Your imKey asks ${n} times, once for each call.`, `imKey 会询问 ${n} 次，每个调用一次。`),
  accountNo: (n: number) => say(`Account ${n}`, `账户 ${n}`),
  notShown: (n: number) => say(`${n} more values are not shown`, `另有 ${n} 个值未显示`),
  characters: (n: number) => say(`${n} characters`, `${n} 个字符`),
  second: (n: string) => say(`second ${n}`, `第 ${n} 秒`),
} as const
