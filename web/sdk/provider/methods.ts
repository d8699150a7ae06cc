import type { Accounts } from './accounts'
import type { Call, Params } from './call'
import type { Calls } from './calls'
import type { Chains } from './chains'
import type { Connecting } from './connecting'
import { hex, isAddress, readBytes, toBytes } from './hex'
import type { Host } from './host'
import type { Journal } from './journal'
import { readMessage } from './message'
import { recover } from './recover'
import { badParams, Refusal } from './refusal'
import type { Signing } from './signing'
import type { Subscriptions } from './subscriptions'

/** Parts are what the methods are made of. */
export interface Parts {
  readonly host: Host
  readonly chains: Chains
  readonly accounts: Accounts
  readonly connecting: Connecting
  readonly signing: Signing
  readonly calls: Calls
  readonly journal: Journal
  readonly subscriptions: Subscriptions
}

export type Method = (params: Params, call: Call) => unknown

/** The methods of wallets that this provider does not have. No node has them either. */
const unsupported = new Set([
  'eth_decrypt',
  'eth_getEncryptionPublicKey',
  'eth_signTypedData_v1',
  'personal_sendTransaction',
  'personal_signTransaction',
  'personal_unlockAccount',
  'personal_importRawKey',
  'personal_newAccount',
])

/** isUnsupported reports whether a method that is not in the table must not be passed on to the node. */
export const isUnsupported = (method: string) => /^(wallet|imkey)_/.test(method) || unsupported.has(method)

/** methods are the methods that the provider answers itself, by name. All others go to the node. */
export function methods({
  host,
  chains,
  accounts,
  connecting,
  signing,
  calls,
  journal,
  subscriptions,
}: Parts): Record<string, Method | undefined> {
  const send: Method = ([transaction], call) => signing.send(transaction, call)
  const sendRaw: Method = async (params, { method, signal }) => {
    const answer = await chains.ask(method, params, signal)
    await journal.sentRaw(params[0])
    return answer
  }
  return Object.assign(Object.create(null) as {}, {
    // without a prototype: toString is not a method
    // Accounts and chain
    eth_accounts: () => accounts.addresses,
    eth_coinbase: () => accounts.addresses[0] ?? null,
    eth_chainId: () => hex(chains.id),
    net_version: () => String(chains.id),

    // Connecting and permissions
    eth_requestAccounts: async (_, call) => {
      // Where a broker has asked the user once, the device is needed only to sign.
      if (accounts.none || !(accounts.device || host.consents)) await connecting.connect(call, early(call))
      return accounts.addresses
    },
    wallet_requestPermissions: async ([wanted], call) => {
      checkPermissions(wanted)
      // A dApp that is connected asks again in order to get another device.
      await connecting.connect(call, accounts.device ? (signal) => host.find(true, call.method, undefined, signal) : early(call))
      return accounts.permissions
    },
    wallet_getPermissions: () => accounts.permissions,
    wallet_revokePermissions: ([wanted]) => {
      checkPermissions(wanted)
      connecting.revoke()
      accounts.revoke()
      return null
    },

    // Chains
    wallet_switchEthereumChain: ([wanted]) => chains.switchTo(wanted),
    wallet_addEthereumChain: ([wanted], { signal }) => chains.add(wanted, signal),

    // Signing
    personal_sign: ([first, second], call) => {
      // Some dApps swap the two, in the order of eth_sign.
      const [message, address] = isAddress(first) && !isAddress(second) ? [second, first] : [first, second]
      return signing.message(address, readMessage(message), call)
    },
    personal_ecRecover: ([message, signature]) => recover(readMessage(message), signature),
    eth_sign: ([address, message], call) => signing.message(address, toBytes(readBytes(message, 'the message')), call),
    eth_signTypedData: ([address, document], call) => {
      if (Array.isArray(address))
        throw new Refusal(4200, 'Typed data of version 1 cannot be signed. Use eth_signTypedData_v4.', 'unsupported-method')
      return signing.typedData(address, document, 'V4', call)
    },
    eth_signTypedData_v3: ([address, document], call) => signing.typedData(address, document, 'V3', call),
    eth_signTypedData_v4: ([address, document], call) => signing.typedData(address, document, 'V4', call),
    eth_signTransaction: ([transaction], call) => signing.transaction(transaction, call),
    eth_sendTransaction: send,
    eth_sendRawTransaction: sendRaw,
    eth_sendRawTransactionSync: sendRaw, // EIP-7966
    wallet_sendTransaction: send, // viem repeats a refused eth_sendTransaction under this name

    // The journal. A chain has addresses without TLS only on this machine or a private network: see readAddress.
    imkey_forgetTransactions: async (params, call) => {
      const { id, nodes } = chains.of(call)
      if (params.length > 0) throw badParams('imkey_forgetTransactions has no parameters')
      if (!nodes.every(({ url }) => url.startsWith('http:'))) {
        throw badParams(`chain ${id} is not a test chain: not all of its nodes are on this machine or a private network, by plain http`)
      }
      await journal.forget(id, call.signal)
      return null
    },

    // Batches of calls (EIP-5792)
    wallet_getCapabilities: (params) => calls.capabilities(params),
    wallet_sendCalls: ([batch], call) => calls.send(batch, call),
    wallet_getCallsStatus: ([id], call) => calls.status(id, call),
    wallet_showCallsStatus: ([id], call) => calls.show(id, call),

    // Subscriptions, over the chain's WebSocket if it has one
    eth_subscribe: (params, { method, signal }) => {
      const { webSocketUrl, id } = chains.selected
      return webSocketUrl === undefined ? chains.ask(method, params, signal) : subscriptions.subscribe(webSocketUrl, id, params, signal)
    },
    eth_unsubscribe: (params, { method, signal }) =>
      subscriptions.has(params[0]) ? subscriptions.unsubscribe(params[0] as string, signal) : chains.ask(method, params, signal),
  } satisfies Record<string, Method>)
}

const early = ({ early }: Call) => early && (() => early)

function checkPermissions(wanted: unknown) {
  if (typeof wanted !== 'object' || wanted === null || Object.keys(wanted).join() !== 'eth_accounts') {
    throw badParams('the one permission here is { eth_accounts: {} }')
  }
}
