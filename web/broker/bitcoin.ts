import { type Asks, type BitcoinAccount, coins } from '../sdk/protocol/coins'
import { esplora } from '../sdk/coins/esplora'
import { badParams, Refusal, unauthorized } from '../sdk/provider/refusal'
import { shown } from '../sdk/provider/message'
import type { BitcoinNetwork, BitcoinSummary } from '../sdk/types/imkey'
import { bytesOf, type Kind, OtherWallet } from './coin'

/** The path of account n for payments. That for ordinals is beside it. */
const account = (purpose: number, network: string | undefined, n: number) =>
  `m/${purpose}'/${network === undefined || network === 'mainnet' ? 0 : 1}'/${n}'`

/** bitcoin is Bitcoin for a broker. */
export const bitcoin: Kind = {
  coin: 'bitcoin',
  methods: coins.bitcoin,
  path: (n, network) => account(84, network, n),
  read: async (device, path, options, network) => {
    const of = network as BitcoinNetwork
    const n = Number(path.split('/')[3]!.slice(0, -1))
    const read = async (purpose: BitcoinAccount['purpose'], path: string): Promise<BitcoinAccount> => {
      const { address, type, publicKey, script } = await device.bitcoin.getAddress({ ...options, path, network: of })
      return { address, path, type, publicKey, script, purpose }
    }
    const [payments, ordinals] = [account(84, network, n), account(86, network, n)]
    const accounts = [
      await read('payment', `${payments}/0/0`),
      await read('ordinals', `${ordinals}/0/0`),
      await read('change', `${payments}/1/0`),
    ]
    const keys: { path: string; xpub: string }[] = []
    for (const path of [payments, ordinals]) {
      keys.push({ path, xpub: (await device.bitcoin.getExtendedPublicKey({ ...options, path, network: of })).xpub })
    }
    return { accounts, keys }
  },
  sees: ({ accounts }) => accounts,
  answer: async (method, params, { around, origin, signal, record }) => {
    if (method === 'bitcoin_describeAddress') {
      const { address, network } = params as Asks<'bitcoin'>['bitcoin_describeAddress']
      return (await around.imkey()).bitcoin.describeAddress(address, { network })
    }
    const { accounts } = record()
    const url = await around.bitcoinNode()
    if (url === undefined) throw noNode()
    const node = esplora(url, {
      init: {
        credentials: 'omit',
        referrerPolicy: 'no-referrer',
        redirect: 'error', // another host hears no address
      },
      timeout: around.rpcTimeout,
      signal,
      reads: (displaced) => around.answers.enter({ origin }, 0, displaced),
    })
    switch (method) {
      case 'bitcoin_utxos': {
        const { address } = params as Asks<'bitcoin'>['bitcoin_utxos']
        if (!accounts.some((one) => one.address === address)) throw unauthorized('The address is none that the site may see.')
        return node.utxos(address)
      }
      case 'bitcoin_transaction':
        return node.transaction((params as Asks<'bitcoin'>['bitcoin_transaction']).txid)
      case 'bitcoin_feeRate':
        return node.feeRate()
      default:
        return node.broadcast((params as Asks<'bitcoin'>['bitcoin_broadcast']).transaction)
    }
  },
  work: (method, params, of, record) => {
    const network = record.network as BitcoinNetwork
    if (method === 'bitcoin_signMessage') {
      const { from, message, isText, scheme } = params as Asks<'bitcoin'>['bitcoin_signMessage']
      const account = of(from)
      const said = isText ? message : bytesOf(message)
      if (said.length === 0) throw badParams('the message is empty')
      return {
        account,
        what: async () => ({ kind: 'message', coin: 'bitcoin', account, ...shown(said), description: { blind: true } }),
        sign: async ({ bitcoin }, options) => {
          const { signature, hash } = await bitcoin.signMessage(said, { ...options, network, scheme })
          return { signature, hash }
        },
      }
    }
    const { psbt, finalize, inputs } = params as Asks<'bitcoin'>['bitcoin_signPsbt']
    const account = of(record.accounts[0]!.address)
    const own = { network, paths: record.accounts.map(({ path }) => path) }
    let summary: BitcoinSummary | undefined
    return {
      account,
      what: async ({ bitcoin }) => {
        const wanted = { ...own, keys: record.keys ?? [], ...(inputs && { inputs }) }
        ;({ summary } = await bitcoin.describePsbt(psbt, wanted))
        return { kind: 'bitcoin-transaction', account, network, summary }
      },
      sign: async ({ bitcoin }, { path, from, ...options }, { override }) => {
        const { signed, fee, notes } = summary!
        if (notes.includes('high-fee') && override !== true) throw new Refusal(4001, 'The fee was not accepted.', 'user-rejected')
        const { address } = await bitcoin.getAddress({ ...options, path, network })
        if (address !== from) throw new OtherWallet()
        // These inputs and this fee are what the user was shown. The device's own keys say again what is change.
        const done = await bitcoin.signPsbt(psbt, { ...options, ...own, finalize, inputs: signed, maxFee: fee })
        const { transaction, txid } = done
        return { psbt: done.psbt, ...(transaction !== undefined && { transaction }), ...(txid !== undefined && { txid }) }
      },
    }
  },
}

const noNode = () =>
  new Refusal(
    4200,
    'No node for Bitcoin is chosen in the wallet, so it knows neither the coins nor the fees. Choose one there, or sign a PSBT of the site.',
    'unsupported-method',
    false,
    undefined,
    { reason: 'no-node' },
  )
