import { type Asks, coins } from '../sdk/protocol/coins'
import { shown } from '../sdk/provider/message'
import type { CosmosAminoDocument } from '../sdk/types/imkey'
import { bytesOf, type Kind } from './coin'
import { feeOf, messagesOf } from './signdoc'

/** cosmos is Cosmos for a broker. The network of a permission is the prefix of the addresses. */
export const cosmos: Kind = {
  coin: 'cosmos',
  methods: coins.cosmos,
  path: (n) => `m/44'/118'/0'/0/${n}`,
  read: async (device, path, options, network = 'cosmos') => {
    const { address, publicKey } = await device.cosmos.getAccount({ ...options, path, prefix: network })
    return { accounts: [{ address, path, publicKey }] }
  },
  sees: ({ accounts }) => accounts,
  work: (method, params, of, { network = 'cosmos' }) => {
    const prefix = { prefix: network }
    if (method === 'cosmos_signAmino') {
      const { from, document: given } = params as Asks<'cosmos'>['cosmos_signAmino']
      const account = of(from)
      const document = given as unknown as CosmosAminoDocument
      return {
        account,
        what: async ({ cosmos }) => {
          const description = await cosmos.describeAmino(document, { from })
          if (description.summary.kind !== 'arbitrary') {
            return { kind: 'cosmos-transaction', account, description, messages: document.msgs as never, fee: document.fee as never }
          }
          // ADR-36: core has checked that this is all of it.
          const { data } = document.msgs[0]!.value as { data: string }
          const bytes = Uint8Array.from(atob(data), (character) => character.charCodeAt(0))
          return { kind: 'message', coin: 'cosmos', account, ...shown(bytes), description }
        },
        sign: async ({ cosmos }, options) => {
          const { signed, signature } = await cosmos.signAmino(document, { ...options, ...prefix })
          return { signed, signature }
        },
      }
    }
    const { from, bodyBytes, authInfoBytes, chainId, accountNumber } = params as Asks<'cosmos'>['cosmos_signDirect']
    const account = of(from)
    const document = {
      bodyBytes: bytesOf(bodyBytes),
      authInfoBytes: bytesOf(authInfoBytes),
      chainId,
      accountNumber: BigInt(accountNumber),
    }
    return {
      account,
      what: async ({ cosmos }) => ({
        kind: 'cosmos-transaction',
        account,
        description: await cosmos.describeDirect(document, { from }),
        messages: messagesOf(document.bodyBytes),
        fee: feeOf(document.authInfoBytes),
      }),
      sign: async ({ cosmos }, options) => ({ signature: (await cosmos.signDirect(document, { ...options, ...prefix })).signature }),
    }
  },
}
