import { invalid } from '../client/errors'
import type { LoadOptions, ProviderOptions, UnusableChain } from '../types/imkey'
import { type Chain, readChainId, readChains, readConnector } from './chain'

/** Settings are the checked options of one provider. */
export interface Settings {
  readonly load: LoadOptions
  /** The address of the connector's page, if the device is bound to a connector. */
  readonly connector?: string | undefined
  readonly chains: readonly Chain[]
  /** The other chains of the list, with the reasons. */
  readonly unusable: readonly UnusableChain[]
  readonly chainId: number
  readonly paths: readonly string[]
  readonly pairing: NonNullable<ProviderOptions['pairing']>
  readonly confirmSignIn: ProviderOptions['confirmSignIn']
  readonly confirmCalls: ProviderOptions['confirmCalls']
  readonly rpcTimeout: number
  readonly holdDevice: number
  readonly remember: boolean
  /**
   * The key in localStorage. Providers with other accounts or chains on the same site have keys of their own. It is empty where a broker
   * remembers the connection.
   */
  readonly key: string
}

const schemes = {
  'bip44': (n: number) => `m/44'/60'/0'/0/${n}`,
  'ledger-live': (n: number) => `m/44'/60'/${n}'/0/0`,
  'legacy': (n: number) => `m/44'/60'/0'/${n}`,
}

const mostAccounts = 20

export function readOptions(options: ProviderOptions): Settings {
  if (typeof options !== 'object' || options === null) throw invalid('the options are not an object')
  const {
    chains,
    chainId,
    accounts = 1,
    pathScheme = 'bip44',
    pairing = 'dialog',
    confirmSignIn,
    confirmCalls,
    rpcTimeout = 30_000,
    holdDevice = 10_000,
    remember = false,
    connector: given,
    ...load
  } = options
  if (!Array.isArray(chains) || chains.length === 0) throw invalid('chains is not a list of at least one chain')
  const { usable: known, unusable } = readChains(chains)
  if (known.length === 0) throw invalid(`no chain can be used: ${unusable.map(({ reason }) => reason).join('; ')}`)
  for (const { chainId, chainName, reason } of unusable) {
    console.warn(`imkey-connect: the chain ${chainName ?? chainId ?? 'without an id'} is left out, because ${reason}`)
  }
  let selected: number
  let connector: string | undefined
  try {
    connector = given === undefined ? given : readConnector(given)
    selected = chainId === undefined ? known[0]!.id : readChainId(chainId)
  } catch (sentence) {
    throw invalid(String(sentence))
  }
  if (!known.some((chain) => chain.id === selected))
    throw invalid(`chainId is not one of the chains${unusable.length ? ' that can be used' : ''}`)
  if (!Object.hasOwn(schemes, pathScheme)) throw invalid("pathScheme is not one of 'bip44', 'ledger-live', 'legacy'")
  const paths = Array.isArray(accounts) ? [...accounts] : Array.from({ length: accounts as number }, (_, n) => schemes[pathScheme](n))
  if (
    paths.length < 1 ||
    paths.length > mostAccounts ||
    new Set(paths).size !== paths.length ||
    !paths.every((path) => typeof path === 'string' && /^m(\/(0|[1-9]\d{0,9})['h]?){1,10}$/i.test(path)) ||
    !(Array.isArray(accounts) || Number.isInteger(accounts))
  ) {
    throw invalid(`accounts is neither a number from 1 to ${mostAccounts} nor a list of that many different paths`)
  }
  if (pairing !== 'dialog' && pairing !== 'none' && typeof pairing !== 'function') {
    throw invalid("pairing is neither 'dialog' nor 'none' nor a function")
  }
  if (confirmSignIn !== undefined && typeof confirmSignIn !== 'function') throw invalid('confirmSignIn is not a function')
  if (confirmCalls !== undefined && typeof confirmCalls !== 'function') throw invalid('confirmCalls is not a function')
  if (typeof rpcTimeout !== 'number' || !(rpcTimeout > 0 && rpcTimeout <= 600_000)) {
    throw invalid('rpcTimeout is not a number of milliseconds up to 600000')
  }
  if (typeof holdDevice !== 'number' || !(holdDevice >= 0 && holdDevice <= 600_000)) {
    throw invalid('holdDevice is not a number of milliseconds from 0 to 600000')
  }
  if (typeof remember !== 'boolean') throw invalid('remember is neither true nor false')
  const key = `imkey-connect ${connector ?? paths.join()} ${known
    .map((chain) => String(chain.id))
    .sort()
    .join()}`
  return {
    load,
    connector,
    chains: known,
    unusable,
    chainId: selected,
    paths,
    pairing,
    confirmSignIn,
    confirmCalls,
    rpcTimeout,
    holdDevice,
    remember,
    key,
  }
}
