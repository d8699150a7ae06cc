import { type Asks, coins } from '../sdk/protocol/coins'
import { badParams } from '../sdk/provider/refusal'
import { shown } from '../sdk/provider/message'
import { anotherSigner, bytesOf, type Kind } from './coin'

/** tron is TRON for a broker. */
export const tron: Kind = {
  coin: 'tron',
  methods: coins.tron,
  path: (n) => `m/44'/195'/0'/0/${n}`,
  read: async (device, path, options) => {
    const { address } = await device.tron.getAccount({ ...options, path })
    return { accounts: [{ address, path }] }
  },
  sees: ({ accounts }) => accounts.map(({ address }) => address),
  work: (method, params, of) => {
    switch (method) {
      case 'tron_signTransaction': {
        const { from, ...request } = params as Asks<'tron'>['tron_signTransaction']
        const account = of(from)
        return {
          account,
          what: async ({ tron }) => {
            const description = await tron.describeTransaction(request)
            if (description.owner !== from) throw anotherSigner()
            return { kind: 'tron-transaction', account, description }
          },
          sign: async ({ tron }, options) => {
            const { signature, txID } = await tron.signTransaction(request, options)
            return { signature, txID }
          },
        }
      }
      case 'tron_signMessage': {
        const { from, message, isText, ...format } = params as Asks<'tron'>['tron_signMessage']
        const account = of(from)
        if (isText && format.version === 1) throw badParams('a message of version 1 is bytes') // tronweb reads some text as hex
        const said = isText ? message : bytesOf(message)
        return {
          account,
          what: async ({ tron }) => ({
            kind: 'message',
            coin: 'tron',
            account,
            ...shown(said),
            description: await tron.describeMessage(said, format),
          }),
          sign: async ({ tron }, options) => (await tron.signMessage(said, { ...options, ...format })).signature,
        }
      }
      default: {
        const { from, document } = params as Asks<'tron'>['tron_signTypedData']
        const account = of(from)
        return {
          account,
          what: async ({ tron }) => ({
            kind: 'typed-data',
            coin: 'tron',
            account,
            document: document as never,
            version: 'V4',
            description: await tron.describeTypedData(document as never),
          }),
          sign: async ({ tron }, options) => (await tron.signTypedData(document as never, options)).signature,
        }
      }
    }
  },
}
