import type { Interaction } from 'imkey-connect'
import type { TronTransaction } from 'imkey-connect/tron'
import { simulatedUSB, type SimulatorFacts } from '../../ui/simulator/simulator'
import type { Logged } from './requests'

/** OtherCoin is a coin besides Ethereum. */
export type OtherCoin = 'bitcoin' | 'tron' | 'cosmos'

/** Asked is a request with what carries it out. */
export interface Asked {
  readonly request: Logged
  readonly carryOut: () => Promise<unknown>
}

/** Client is the library of a coin's world, with an imKey as its wallet. */
export interface Client {
  /** Asks for the accounts, in a click, and gives the address of the first one. */
  readonly accounts: Asked
  /** Reads the address from the answer. */
  readonly address: (answer: unknown) => string
  readonly revoke: () => Promise<unknown>
  readonly signMessage: (account: string, message: string) => Asked
  /** Signs a PSBT in base 64, a transaction of tronweb, or an amino document. */
  readonly sign: (account: string, what: unknown) => Asked
}

interface Options {
  usb?: USB
  connector?: string
  trustedCAs?: readonly string[]
  allowUnverified: boolean
  onInteraction: (interaction: Interaction) => void
}

/** CoinWallet is the dApp's use of one coin besides Ethereum. */
export class CoinWallet {
  account: string | null = null
  readonly #coin: OtherCoin
  readonly #simulator: SimulatorFacts | null
  readonly #connector: string | undefined
  readonly #changed: () => void
  readonly #onInteraction: (interaction: Interaction) => void
  #usb: USB | undefined
  #client: Promise<Client> | undefined

  constructor(
    coin: OtherCoin,
    simulator: SimulatorFacts | null,
    connector: string | undefined,
    changed: () => void,
    onInteraction: (interaction: Interaction) => void,
  ) {
    this.#coin = coin
    this.#simulator = simulator
    this.#connector = connector
    this.#changed = changed
    this.#onInteraction = onInteraction
    void this.client // the click that connects has no time to load it: a browser opens its chooser only soon after a click
  }

  get simulated(): boolean {
    return this.#usb !== undefined
  }

  get client(): Promise<Client> {
    return (this.#client ??= clients[this.#coin](this.#options()).catch((thrown: unknown) => {
      this.#client = undefined
      throw thrown
    }))
  }

  /** connect asks for the accounts. Call it in a click: otherwise the browser does not open its chooser. */
  async connect(): Promise<unknown> {
    const { accounts, address } = await this.client
    const answer = await accounts.carryOut()
    this.account = address(answer)
    this.#changed()
    return answer
  }

  /** connectSimulated asks for the accounts of the simulated device, over a WebSocket in place of the browser's USB. */
  async connectSimulated(): Promise<unknown> {
    if (this.#simulator && !this.#usb) {
      this.#usb = await simulatedUSB(this.#simulator)
      this.#client = undefined
    }
    return this.connect()
  }

  async disconnect(): Promise<void> {
    await (await this.client).revoke()
    this.account = null
    this.#usb = undefined
    this.#client = undefined
    this.#changed()
  }

  #options(): Options {
    return {
      ...(this.#usb && { usb: this.#usb }),
      ...(this.#connector !== undefined && { connector: this.#connector }),
      ...(this.#simulator && { trustedCAs: this.#simulator.cas }),
      allowUnverified: true, // as for Ethereum: the dialog asks the user
      onInteraction: (interaction) => this.#onInteraction(shown(interaction)),
    }
  }
}

/** shown gives a transaction of Bitcoin the texts to compare. The device shows its outputs one by one. */
function shown(interaction: Interaction): Interaction {
  const { bitcoin } = interaction
  if (!bitcoin) return interaction
  const payment = bitcoin.payments.map(({ text }) => text.split(' to ')[0]!).join(' + ')
  const receiver = bitcoin.payments.map(({ address, script }) => address ?? script).join(' ')
  return { ...interaction, screen: { payment, receiver, fee: `${bitcoin.fee / 100_000_000} BTC` } }
}

const clients: Readonly<Record<OtherCoin, (options: Options) => Promise<Client>>> = {
  async bitcoin(options) {
    const { createBitcoinProvider } = await import('imkey-connect/bitcoin')
    const provider = createBitcoinProvider(options)
    const asks = (method: string, params?: object): Asked => ({
      request: { method, ...(params && { params }) },
      async carryOut() {
        const answer = await provider.request(method, params)
        if ('error' in answer) throw answer.error
        return answer.result
      },
    })
    return {
      accounts: asks('getAccounts', { purposes: ['payment'] }),
      address: (answer) => (answer as readonly { address: string }[])[0]!.address,
      revoke: () => provider.request('wallet_disconnect'),
      signMessage: (address, message) => asks('signMessage', { address, message }),
      sign: (address, psbt) => asks('signPsbt', { psbt, signInputs: { [address]: [0] } }),
    }
  },
  async tron(options) {
    const { createTronProvider } = await import('imkey-connect/tron')
    const provider = createTronProvider(options)
    const { trx } = provider.tronWeb
    const asks = (request: Logged, carryOut: () => Promise<unknown>): Asked => ({ request, carryOut })
    const accounts: Logged = { method: 'tron_requestAccounts' }
    return {
      accounts: asks(accounts, () => provider.request(accounts)),
      address: (answer) => (answer as readonly string[])[0]!,
      revoke: () => provider.request({ method: 'wallet_revokePermissions' }),
      signMessage: (_, message) => asks({ method: 'tronWeb.trx.signMessageV2', params: [message] }, () => trx.signMessageV2(message)),
      sign: (_, what) => asks({ method: 'tronWeb.trx.sign', params: [what] }, () => trx.sign(what as TronTransaction)),
    }
  },
  async cosmos(options) {
    const { createCosmosSigner } = await import('imkey-connect/cosmos')
    const signer = createCosmosSigner(options)
    const asks = (request: Logged, carryOut: () => Promise<unknown>): Asked => ({ request, carryOut })
    return {
      accounts: asks({ method: 'getAccounts' }, async () => (await signer.getAccounts()).map(({ address }) => address)),
      address: (answer) => (answer as readonly string[])[0]!,
      revoke: async () => {}, // cosmjs has nothing for it: another signer has no accounts
      signMessage: (address, message) =>
        asks({ method: 'signArbitrary', params: ['cosmoshub-4', address, message] }, () =>
          signer.signArbitrary('cosmoshub-4', address, message),
        ),
      sign: (address, document) =>
        asks({ method: 'signAmino', params: [address, document] }, () => signer.signAmino(address, document as never)),
    }
  },
}
