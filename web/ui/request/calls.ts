// What a call of a contract does, from its own bytes.

import { phrase, request as words, sentence } from '../words/request'
import type { Text } from '../words/text'
import { decode } from './abi'
import type { Alert, Part, Row, Surroundings } from './model'
import { addressRow, addressValue, approval, danger, part, party, row, tokenAmount, tokenName, until, warning } from './parts'
import { formatUnits, tokenAt, unlimitedFrom } from './tokens'

/** Call is a call as a transaction, a Safe or another contract makes it. */
export interface Call {
  readonly to: string
  readonly value: bigint
  /** The input in hex, without 0x and in lower case. */
  readonly data: string
}

type Say = (s: Surroundings, to: string, args: never, value: bigint, depth: number) => Part | undefined

/** Known is a call that can be put in words. */
interface Known {
  /** The name and the types of the arguments, from which the selector follows. */
  readonly signature: string
  readonly say: Say
}

const known = (signature: string, say: Say): Known => ({ signature, say })

type Address = string
type Bytes = string

const number = (n: bigint) => formatUnits(n, 0)

const tokenTransfer = (s: Surroundings, token: string, to: string, amount: bigint, from?: string): Part => {
  const what = tokenAmount(s, token, amount)
  return part(
    from === undefined ? sentence.send(what, party(s, to)) : sentence.sendFrom(what, party(s, from), party(s, to)),
    [
      addressRow(s, words.to, to),
      ...(from === undefined ? [] : [addressRow(s, words.from, from)]),
      row(words.amount, what),
      addressRow(s, words.token, token),
    ],
    to.toLowerCase() === token.toLowerCase() ? [warning(words.toToken)] : [],
  )
}

const nftTransfer = (s: Surroundings, contract: string, from: string, to: string, what: Text): Part =>
  part(sentence.sendFrom(what, party(s, from), party(s, to)), [
    addressRow(s, words.to, to),
    addressRow(s, words.from, from),
    row(words.amount, what),
    addressRow(s, words.contract, contract),
  ])

const forAll = (s: Surroundings, contract: string, operator: string, all: boolean): Part =>
  part(
    all ? sentence.letTakeAll(party(s, operator), party(s, contract)) : sentence.endForAll(party(s, operator), party(s, contract)),
    [addressRow(s, words.operator, operator), addressRow(s, words.contract, contract)],
    all ? [danger(words.allNFTs)] : [],
  )

/** approve is of ERC-20 and of ERC-721. Only a known token is surely one of ERC-20. */
const approve = (s: Surroundings, contract: string, spender: string, amount: bigint): Part => {
  const asToken = approval(s, contract, spender, amount)
  // 2^256-1 is no number of an NFT in practice; core and the device say the same.
  const ones = amount === 2n ** 256n - 1n || amount === 2n ** 160n - 1n || amount === 2n ** 96n - 1n
  if (tokenAt(s.chain, contract) || ones) return asToken
  const nft = sentence.letTake(party(s, spender), sentence.nft(amount.toString(), party(s, contract)))
  return { ...asToken, sentence: sentence.either(asToken.sentence, nft), alerts: [...asToken.alerts, warning(words.nftOrTokens)] }
}

const more = (s: Surroundings, token: string, spender: string, amount: bigint): Part => {
  const asked = approval(s, token, spender, amount)
  return amount >= unlimitedFrom ? asked : { ...asked, sentence: sentence.approveMore(party(s, spender), tokenAmount(s, token, amount)) }
}

const fewer = (s: Surroundings, token: string, spender: string, amount: bigint): Part => {
  const what = tokenAmount(s, token, amount)
  return part(sentence.approveFewer(party(s, spender), what), [
    addressRow(s, words.spender, spender),
    row(words.amount, what),
    addressRow(s, words.token, token),
  ])
}

/** called adds that the other side is called. */
const called = (one: Part): Part => ({ ...one, alerts: [...one.alerts, warning(words.callsIt)] })

/** operator is one who may do all with what the user has in a token, or not any more. */
const operator = (s: Surroundings, token: string, who: string, all: boolean): Part => approval(s, token, who, all ? 2n ** 256n - 1n : 0n)

/** manager is one who may do all with what the user lent at a contract, or not any more. */
const manager = (s: Surroundings, contract: string, who: string, all: boolean): Part =>
  part(
    (all ? sentence.manage : sentence.endManage)(party(s, who), party(s, contract)),
    [addressRow(s, words.manager, who), addressRow(s, words.contract, contract)],
    all ? [danger(words.manageText)] : [],
  )

/** borrower is one who may borrow up to an amount in the user's name. The contract stands for the debt in one token. */
function borrower(s: Surroundings, contract: string, who: string, amount: bigint): Part {
  if (amount === 0n) return manager(s, contract, who, false)
  const endless = amount >= unlimitedFrom
  return part(
    endless ? sentence.borrowAll(party(s, who), tokenName(s, contract)) : sentence.borrow(party(s, who), tokenAmount(s, contract, amount)),
    [
      addressRow(s, words.manager, who),
      row(words.amount, endless ? words.unlimited : tokenAmount(s, contract, amount), endless),
      addressRow(s, words.contract, contract),
    ],
    endless ? [danger(words.borrowText)] : [],
  )
}

/** numbered is a call for one token of a contract that has several. */
const numbered = (s: Surroundings, contract: string, id: bigint, n: bigint): Text =>
  sentence.numbered(number(n), sentence.tokenNo(id.toString(), party(s, contract)))

/** approveNumbered lets a spender take up to an amount of one token of a contract that has several. */
function approveNumbered(s: Surroundings, contract: string, spender: string, id: bigint, n: bigint): Part {
  const endless = n >= unlimitedFrom
  const [who, token] = [party(s, spender), sentence.tokenNo(id.toString(), party(s, contract))]
  return part(
    endless
      ? sentence.letTakeEvery(who, token)
      : n === 0n
        ? sentence.endForAll(who, token)
        : sentence.letTake(who, numbered(s, contract, id, n)),
    [
      addressRow(s, words.spender, spender),
      row(words.amount, endless ? words.unlimited : numbered(s, contract, id, n), endless),
      addressRow(s, words.contract, contract),
    ],
    endless ? [danger(words.unlimitedText)] : [],
  )
}

/** handedIn is a permit that somebody signed, which becomes valid. */
const handedIn = (s: Surroundings, owner: string, inner: Part): Part => ({
  ...inner,
  sentence: sentence.permitAgain(inner.sentence),
  rows: [addressRow(s, words.owner, owner), ...inner.rows],
})

/** together are the parts of several. */
export const together = (said: Text, parts: readonly Part[], rows: readonly Row[] = [], alerts: readonly Alert[] = []): Part =>
  part(said, rows, alerts, parts)

const inner = (s: Surroundings, to: string, list: readonly Call[], depth: number): Part =>
  together(sentence.callsIn(list.length, party(s, to)), inWords(s, list, depth), [addressRow(s, words.contract, to)])

const self = (to: string, list: readonly string[]): Call[] => list.map((data) => ({ to, value: 0n, data: data.slice(2) }))

/** The calls that are known, by selector. A test computes each selector from the signature. */
export const calls: Readonly<Record<string, Known>> = {
  // ERC-20 and its early forms.
  a9059cbb: known('transfer(address,uint256)', (s, to, [receiver, amount]: [Address, bigint]) => tokenTransfer(s, to, receiver, amount)),
  '095ea7b3': known('approve(address,uint256)', (s, to, [spender, amount]: [Address, bigint]) => approve(s, to, spender, amount)),
  '39509351': known('increaseAllowance(address,uint256)', (s, to, [spender, n]: [Address, bigint]) => more(s, to, spender, n)),
  a457c2d7: known('decreaseAllowance(address,uint256)', (s, to, [spender, n]: [Address, bigint]) => fewer(s, to, spender, n)),
  d73dd623: known('increaseApproval(address,uint256)', (s, to, [spender, n]: [Address, bigint]) => more(s, to, spender, n)),
  '66188463': known('decreaseApproval(address,uint256)', (s, to, [spender, n]: [Address, bigint]) => fewer(s, to, spender, n)),
  '23b872dd': known('transferFrom(address,address,uint256)', (s, to, [from, receiver, n]: [Address, Address, bigint]) => {
    const asTokens = tokenTransfer(s, to, receiver, n, from)
    if (tokenAt(s.chain, to)) return asTokens
    const asNFT = nftTransfer(s, to, from, receiver, sentence.nft(n.toString(), party(s, to)))
    return {
      ...asTokens,
      sentence: sentence.either(asTokens.sentence, asNFT.sentence),
      alerts: [...asTokens.alerts, warning(words.nftOrTokens)],
    }
  }),

  // ERC-721 and ERC-1155.
  '42842e0e': known('safeTransferFrom(address,address,uint256)', (s, to, [from, receiver, id]: [Address, Address, bigint]) =>
    nftTransfer(s, to, from, receiver, sentence.nft(id.toString(), party(s, to))),
  ),
  b88d4fde: known('safeTransferFrom(address,address,uint256,bytes)', (s, to, [from, receiver, id]: [Address, Address, bigint, Bytes]) =>
    nftTransfer(s, to, from, receiver, sentence.nft(id.toString(), party(s, to))),
  ),
  f242432a: known(
    'safeTransferFrom(address,address,uint256,uint256,bytes)',
    (s, to, [from, receiver, id, n]: [Address, Address, bigint, bigint, Bytes]) =>
      nftTransfer(s, to, from, receiver, sentence.nfts(number(n), id.toString(), party(s, to))),
  ),
  '2eb2c2d6': known(
    'safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)',
    (s, to, [from, receiver, ids, amounts]: [Address, Address, bigint[], bigint[], Bytes]) => {
      if (ids.length !== amounts.length) return undefined
      const whole = nftTransfer(s, to, from, receiver, sentence.several(ids.length, party(s, to)))
      return {
        ...whole,
        rows: [
          ...whole.rows,
          ...ids.slice(0, 50).map((id, i) => row(words.nft, sentence.nfts(number(amounts[i]!), id.toString(), party(s, to)))),
          ...(ids.length > 50 ? [row(words.nft, phrase.andMore(ids.length - 50))] : []),
        ],
      }
    },
  ),
  a22cb465: known('setApprovalForAll(address,bool)', (s, to, [operator, all]: [Address, boolean]) => forAll(s, to, operator, all)),

  // ERC-1363, ERC-677 and ERC-777: a transfer or an approval with a call, and operators.
  '1296ee62': known('transferAndCall(address,uint256)', (s, to, [receiver, n]: [Address, bigint]) =>
    called(tokenTransfer(s, to, receiver, n)),
  ),
  '4000aea0': known('transferAndCall(address,uint256,bytes)', (s, to, [receiver, n]: [Address, bigint, Bytes]) =>
    called(tokenTransfer(s, to, receiver, n)),
  ),
  d8fbe994: known('transferFromAndCall(address,address,uint256)', (s, to, [from, receiver, n]: [Address, Address, bigint]) =>
    called(tokenTransfer(s, to, receiver, n, from)),
  ),
  c1d34b89: known('transferFromAndCall(address,address,uint256,bytes)', (s, to, [from, receiver, n]: [Address, Address, bigint, Bytes]) =>
    called(tokenTransfer(s, to, receiver, n, from)),
  ),
  '3177029f': known('approveAndCall(address,uint256)', (s, to, [spender, n]: [Address, bigint]) => called(approval(s, to, spender, n))),
  cae9ca51: known('approveAndCall(address,uint256,bytes)', (s, to, [spender, n]: [Address, bigint, Bytes]) =>
    called(approval(s, to, spender, n)),
  ),
  '9bd9bbc6': known('send(address,uint256,bytes)', (s, to, [receiver, n]: [Address, bigint, Bytes]) =>
    called(tokenTransfer(s, to, receiver, n)),
  ),
  '62ad1b83': known('operatorSend(address,address,uint256,bytes,bytes)', (s, to, [from, receiver, n]: [Address, Address, bigint]) =>
    called(tokenTransfer(s, to, receiver, n, from)),
  ),
  '959b8c3f': known('authorizeOperator(address)', (s, to, [who]: [Address]) => operator(s, to, who, true)),
  fad8b32a: known('revokeOperator(address)', (s, to, [who]: [Address]) => operator(s, to, who, false)),

  // ERC-6909, whose tokens have numbers. Most of them are fungible.
  '095bcdb6': known('transfer(address,uint256,uint256)', (s, to, [receiver, id, n]: [Address, bigint, bigint]) =>
    nftTransfer(s, to, s.own, receiver, numbered(s, to, id, n)),
  ),
  fe99049a: known('transferFrom(address,address,uint256,uint256)', (s, to, [from, receiver, id, n]: [Address, Address, bigint, bigint]) =>
    nftTransfer(s, to, from, receiver, numbered(s, to, id, n)),
  ),
  '426a8493': known('approve(address,uint256,uint256)', (s, to, [spender, id, n]: [Address, bigint, bigint]) =>
    approveNumbered(s, to, spender, id, n),
  ),
  '558a7297': known('setOperator(address,bool)', (s, to, [who, all]: [Address, boolean]) => forAll(s, to, who, all)),

  // Compound III and Aave: another account may take what the user lent, or borrow in the user's name.
  '110496e5': known('allow(address,bool)', (s, to, [who, all]: [Address, boolean]) => manager(s, to, who, all)),
  c04a8a10: known('approveDelegation(address,uint256)', (s, to, [who, n]: [Address, bigint]) => borrower(s, to, who, n)),

  // USDC: a permit with one signature, and transfers that somebody authorised (EIP-3009).
  '9fd5a6cf': known(
    'permit(address,address,uint256,uint256,bytes)',
    (s, to, [owner, spender, n, end]: [Address, Address, bigint, bigint, Bytes]) =>
      handedIn(s, owner, approval(s, to, spender, n, [until(words.expires, end)])),
  ),
  e3ee160e: known(
    'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)',
    (s, to, [from, receiver, n]: [Address, Address, bigint]) => tokenTransfer(s, to, receiver, n, from),
  ),
  ef55bec6: known(
    'receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,uint8,bytes32,bytes32)',
    (s, to, [from, receiver, n]: [Address, Address, bigint]) => tokenTransfer(s, to, receiver, n, from),
  ),
  cf092995: known(
    'transferWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)',
    (s, to, [from, receiver, n]: [Address, Address, bigint]) => tokenTransfer(s, to, receiver, n, from),
  ),
  '88b7ab63': known(
    'receiveWithAuthorization(address,address,uint256,uint256,uint256,bytes32,bytes)',
    (s, to, [from, receiver, n]: [Address, Address, bigint]) => tokenTransfer(s, to, receiver, n, from),
  ),

  // Permits that are handed in: EIP-2612, DAI's, EIP-4494 (two forms).
  d505accf: known(
    'permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
    (s, to, [owner, spender, n, end]: [Address, Address, bigint, bigint]) =>
      handedIn(s, owner, approval(s, to, spender, n, [until(words.expires, end)])),
  ),
  '8fcbaf0c': known(
    'permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)',
    (s, to, [owner, spender, , end, all]: [Address, Address, bigint, bigint, boolean]) =>
      handedIn(s, owner, approval(s, to, spender, all ? 2n ** 256n - 1n : 0n, [until(words.expires, end)])),
  ),
  '7ac2ff7b': known('permit(address,uint256,uint256,uint8,bytes32,bytes32)', (s, to, [spender, id]: [Address, bigint]) =>
    part(sentence.permitAgain(sentence.letTake(party(s, spender), sentence.nft(id.toString(), party(s, to)))), [
      addressRow(s, words.operator, spender),
      addressRow(s, words.contract, to),
    ]),
  ),
  '745a41bc': known('permit(address,uint256,uint256,bytes)', (s, to, [spender, id]: [Address, bigint]) =>
    part(sentence.permitAgain(sentence.letTake(party(s, spender), sentence.nft(id.toString(), party(s, to)))), [
      addressRow(s, words.operator, spender),
      addressRow(s, words.contract, to),
    ]),
  ),

  // Permit2. The contract that is called is not the token.
  '87517c45': known('approve(address,address,uint160,uint48)', (s, to, [token, spender, n, end]: [Address, Address, bigint, bigint]) =>
    through(s, to, approval(s, token, spender, n, [until(words.until, end)])),
  ),
  '2b67b570': known(
    'permit(address,((address,uint160,uint48,uint48),address,uint256),bytes)',
    (s, to, [owner, [[token, n, end], spender]]: [Address, [[Address, bigint, bigint, bigint], Address, bigint], Bytes]) =>
      through(s, to, handedIn(s, owner, approval(s, token, spender, n, [until(words.until, end)]))),
  ),
  '2a2d80d1': known(
    'permit(address,((address,uint160,uint48,uint48)[],address,uint256),bytes)',
    (s, to, [owner, [list, spender]]: [Address, [[Address, bigint, bigint, bigint][], Address, bigint], Bytes]) =>
      through(
        s,
        to,
        together(
          sentence.callsIn(list.length, party(s, to)),
          list.map(([token, n, end]) => handedIn(s, owner, approval(s, token, spender, n, [until(words.until, end)]))),
        ),
      ),
  ),
  '36c78516': known(
    'transferFrom(address,address,uint160,address)',
    (s, to, [from, receiver, n, token]: [Address, Address, bigint, Address]) => through(s, to, tokenTransfer(s, token, receiver, n, from)),
  ),
  cc53287f: known('lockdown((address,address)[])', (s, to, [pairs]: [[Address, Address][]]) =>
    through(
      s,
      to,
      together(
        sentence.lockdown(),
        pairs.map(([token, spender]) => approval(s, token, spender, 0n)),
      ),
    ),
  ),

  // Wrapped ether, where the contract is known.
  d0e30db0: known('deposit()', (s, to, _, value) => {
    const token = tokenAt(s.chain, to)
    if (token?.symbol !== 'WETH') return undefined
    return part(sentence.wrap(s.coin(value), phrase.name('WETH')), [row(words.amount, s.coin(value)), addressRow(s, words.contract, to)])
  }),
  '2e1a7d4d': known('withdraw(uint256)', (s, to, [n]: [bigint]) => {
    const token = tokenAt(s.chain, to)
    if (token?.symbol !== 'WETH') return undefined
    return part(sentence.unwrap(tokenAmount(s, to, n)), [row(words.amount, tokenAmount(s, to, n)), addressRow(s, words.contract, to)])
  }),

  f2fde38b: known('transferOwnership(address)', (s, to, [owner]: [Address]) =>
    part(
      sentence.transferOwnership(party(s, to), party(s, owner)),
      [addressRow(s, words.owner, owner), addressRow(s, words.contract, to)],
      [danger(words.unknownCall)],
    ),
  ),

  // Several calls in one: of the contract itself (Uniswap and many others), through Multicall3, and by a Safe.
  ac9650d8: known('multicall(bytes[])', (s, to, [list]: [Bytes[]], _, depth) => inner(s, to, self(to, list), depth)),
  '5ae401dc': known('multicall(uint256,bytes[])', (s, to, [, list]: [bigint, Bytes[]], _, depth) => inner(s, to, self(to, list), depth)),
  '1f0464d1': known('multicall(bytes32,bytes[])', (s, to, [, list]: [Bytes, Bytes[]], _, depth) => inner(s, to, self(to, list), depth)),
  '252dba42': known('aggregate((address,bytes)[])', (s, to, [list]: [[Address, Bytes][]], _, depth) =>
    inner(
      s,
      to,
      list.map(([target, data]) => ({ to: target, value: 0n, data: data.slice(2) })),
      depth,
    ),
  ),
  bce38bd7: known('tryAggregate(bool,(address,bytes)[])', (s, to, [, list]: [boolean, [Address, Bytes][]], _, depth) =>
    inner(
      s,
      to,
      list.map(([target, data]) => ({ to: target, value: 0n, data: data.slice(2) })),
      depth,
    ),
  ),
  '82ad56cb': known('aggregate3((address,bool,bytes)[])', (s, to, [list]: [[Address, boolean, Bytes][]], _, depth) =>
    inner(
      s,
      to,
      list.map(([target, , data]) => ({ to: target, value: 0n, data: data.slice(2) })),
      depth,
    ),
  ),
  '174dea71': known('aggregate3Value((address,bool,uint256,bytes)[])', (s, to, [list]: [[Address, boolean, bigint, Bytes][]], _, depth) =>
    inner(
      s,
      to,
      list.map(([target, , value, data]) => ({ to: target, value, data: data.slice(2) })),
      depth,
    ),
  ),
  '6a761202': known(
    'execTransaction(address,uint256,bytes,uint8,uint256,uint256,uint256,address,address,bytes)',
    (
      s,
      to,
      [target, value, data, operation, txGas, baseGas, price, token, receiver]: [
        ...[Address, bigint, Bytes, bigint],
        ...[bigint, bigint, bigint, Address, Address],
      ],
      _,
      depth,
    ) => {
      if (operation > 1n) return undefined
      const refund = { gas: txGas + baseGas, price, token, receiver }
      return asSafe(s, to, { to: target, value, data: data.slice(2) }, operation === 1n, refund, depth)
    },
  ),
  '8d80ff0a': known('multiSend(bytes)', (s, to, [packed]: [Bytes], _, depth) => {
    const list = unpacked(packed.slice(2))
    if (!list) return undefined
    if (list.length > s.left.calls) return undefined
    const parts = list.map(({ delegates, call }) => (delegates ? delegated(s, call) : oneCall(s, call, depth + 1)))
    return together(sentence.callsIn(list.length, party(s, to)), parts, [addressRow(s, words.contract, to)])
  }),
}

/** through adds a row with the contract that is called, beside the token. */
const through = (s: Surroundings, to: string, one: Part): Part => ({
  ...one,
  rows: [...one.rows, { name: words.contract, value: addressValue(s, to) }],
})

/** Refund is what a Safe pays for the gas of its transaction. A price of 0 is no refund, the address 0 the chain's coin or the sender. */
export interface Refund {
  /** safeTxGas and baseGas together. The gas that the call itself costs comes on top. */
  readonly gas: bigint
  readonly price: bigint
  readonly token: string
  readonly receiver: string
}

const isZero = (address: string) => /^0x0{40}$/.test(address)

/** refundRows says what a refund pays (handlePayment of the Safe's contract). */
function refundRows(s: Surroundings, { gas, price, token, receiver }: Refund): Row[] {
  if (price === 0n) return []
  const pays = (amount: bigint) => (isZero(token) ? s.coin(amount) : tokenAmount(s, token, amount))
  const to = isZero(receiver) ? phrase.sender : party(s, receiver)
  return [
    row(words.refund, phrase.refund(pays(gas * price), to, pays(price)), true),
    ...(isZero(receiver) ? [] : [addressRow(s, words.refundTo, receiver)]),
    ...(isZero(token) ? [] : [addressRow(s, words.refundIn, token)]),
  ]
}

/** asSafe is a transaction of a Safe. */
export function asSafe(s: Surroundings, safe: string, call: Call, delegates: boolean, refund: Refund, depth = 0): Part {
  const multi = delegates && call.data.startsWith('8d80ff0a')
  const does = delegates && !multi ? delegated(s, call) : oneCall(s, call, depth + 1)
  const pays = refundRows(s, refund)
  const alerts = [
    ...(pays.length > 0 ? [danger(words.refundText)] : []),
    // multiSend is meant to be delegated to. That its contract is the genuine one is not known here.
    ...(multi ? [danger(words.delegateCall)] : []),
  ]
  return {
    ...does,
    sentence: sentence.safe(does.sentence),
    rows: [addressRow(s, words.safe, safe), ...pays, ...does.rows],
    alerts: [...alerts, ...does.alerts],
    danger: does.danger || alerts.length > 0,
  }
}

const delegated = (s: Surroundings, call: Call): Part => {
  const does = unknown(s, call)
  return { ...does, danger: true, alerts: [danger(words.delegateCall), ...does.alerts] }
}

/** unpacked reads the calls of a multiSend: operation, address, value, length and data of each, without padding. */
function unpacked(hex: string): { delegates: boolean; call: Call }[] | undefined {
  const list: { delegates: boolean; call: Call }[] = []
  let at = 0
  const take = (bytes: number) => {
    const piece = hex.slice(at, at + 2 * bytes)
    at += 2 * bytes
    return piece
  }
  while (at < hex.length) {
    const head = hex.slice(at, at + 2 * 85)
    if (head.length < 2 * 85 || list.length >= 4096) return undefined
    const operation = take(1)
    const to = `0x${take(20)}`
    const value = BigInt(`0x${take(32)}`)
    const length = BigInt(`0x${take(32)}`)
    if (operation > '01' || length > BigInt((hex.length - at) / 2)) return undefined
    list.push({ delegates: operation === '01', call: { to, value, data: take(Number(length)) } })
  }
  return list
}

/** How deep calls in calls are read. Surroundings.left bounds how many: a list of calls can name the same bytes again and again. */
const mostDepth = 4

/** inWords puts calls in words, in their order. */
const inWords = (s: Surroundings, list: readonly Call[], depth: number): Part[] => {
  const parts: Part[] = []
  for (const call of list) {
    if (s.left.calls <= 0) {
      parts.push(part(phrase.andMore(list.length - parts.length), [], [danger(words.tooMuch)]))
      break
    }
    parts.push(oneCall(s, call, depth + 1))
  }
  return parts
}

/** oneCall puts a call, or a payment of the chain's coin, in words. */
export function oneCall(s: Surroundings, call: Call, depth = 0): Part {
  const { to, value, data } = call
  s.left.calls--
  if (data === '') {
    return part(value === 0n ? sentence.nothing(party(s, to)) : sentence.send(s.coin(value), party(s, to)), [
      addressRow(s, words.to, to),
      row(words.amount, s.coin(value)),
    ])
  }
  const selector = data.slice(0, 8)
  const entry = Object.hasOwn(calls, selector) ? calls[selector]! : undefined
  const read = entry && depth <= mostDepth ? decode(entry.signature.slice(entry.signature.indexOf('(')), data.slice(8)) : undefined
  const said = read && entry!.say(s, to, read.args as never, value, depth)
  if (!said) return unknown(s, call)
  const rows = value > 0n && selector !== 'd0e30db0' ? [row(words.sends, s.coin(value)), ...said.rows] : said.rows
  const alerts = read.rest > 0 ? [...said.alerts, warning(words.trailing)] : said.alerts
  return { ...said, rows, alerts }
}

function unknown(s: Surroundings, { to, value, data }: Call): Part {
  return part(
    value > 0n ? sentence.callAndSend(party(s, to), s.coin(value)) : sentence.call(party(s, to)),
    [
      addressRow(s, words.contract, to),
      ...(value > 0n ? [row(words.sends, s.coin(value))] : []),
      { name: words.data, value: { kind: 'hex', hex: `0x${data}` } },
    ],
    [warning(words.unknownCall)],
  )
}
