// How the providers of coins ask a connector's window.

import { version } from 'imkey-connect'
import type { Ask } from '../coins/ask'
import { CoinClient } from '../connector/coins'
import { readConnector } from '../provider/chain'
import type { OtherCoin } from '../provider/review'
import { rpcError } from './opening'

/** Told is a provider. It is made after what it asks with. */
interface Told {
  /** accounts are as the connector sent them. */
  changed(accounts: unknown): void
  gone(error: Error): void
}

/** connecting gives what asks the connector at an address. It throws a TypeError for an address that is none. */
export function connecting(connector: string | URL, coin: OtherCoin, told: () => Told): Ask {
  let url: string
  try {
    url = readConnector(connector)
  } catch (sentence) {
    throw new TypeError(String(sentence), { cause: sentence })
  }
  const client = new CoinClient(url, version, coin, {
    changed: (accounts) => told().changed(accounts),
    gone: (error) => told().gone(rpcError(error)),
  })
  return (method, params) => client.ask(method, params)
}
