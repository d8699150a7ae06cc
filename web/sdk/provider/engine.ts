// The engine answers the provider's requests. It is loaded on demand and shares no code with imkey.js: what it needs of that, its Host
// gives. accounts.ts and connecting.ts say which accounts the dApp may use, lease.ts who has the device, chains.ts which node is
// asked, signing.ts what is signed, payments.ts how it is sent, and methods.ts which methods there are.

import type { Device } from '../types/imkey'
import { Accounts } from './accounts'
import { Batches } from './batches'
import type { Params } from './call'
import type { Chain } from './chain'
import { Calls } from './calls'
import { Chains } from './chains'
import { Connecting } from './connecting'
import type { Host } from './host'
import { Journal } from './journal'
import { journalStore } from './journalstore'
import { Lease } from './lease'
import { isUnsupported, methods } from './methods'
import { Payments } from './payments'
import { badParams, unknownMethod } from './refusal'
import { Signing } from './signing'
import { Subscriptions } from './subscriptions'

export { late } from '../client/sentences.late.gen'

export interface Engine {
  /** Whether the device that the accounts are on is plugged in. */
  readonly connected: boolean
  /** chain is the chain that the request is for. Without it, it is for the selected one. */
  request(
    method: string,
    params: Params | object,
    signal: AbortSignal | undefined,
    early?: Promise<Device>,
    chain?: Chain,
  ): Promise<unknown>
  plugged(device: Device): void
  unplugged(device: Device): void
  /** Takes the accounts from the site, and ends its attempt to connect. */
  revoke(): void
  /** Ends the subscriptions. The engine is not used any more. */
  close(): void
}

export function start(host: Host): Engine {
  const recalled = host.recall()
  const subscriptions = new Subscriptions(host.settings.rpcTimeout, (message) => host.emit('message', message))
  const chains = new Chains(host, recalled?.chainId, () => {
    subscriptions.close()
    accounts.store()
  })
  const accounts = new Accounts(host, chains, recalled)
  const lease = new Lease(host, (device) => accounts.lose(device))
  const connecting = new Connecting(host, accounts, lease)
  const journal = new Journal(journalStore(host.settings.load.usb), host.consents && host.origin)
  const payments = new Payments(chains, journal)
  const signing = new Signing(host, chains, accounts, lease, payments)
  const batches = new Batches(journalStore(host.settings.load.usb, 'calls'), host.origin ?? '')
  const calls = new Calls({ host, chains, accounts, signing, payments, batches })
  const own = methods({ host, chains, accounts, connecting, signing, calls, journal, subscriptions })

  return {
    get connected() {
      return accounts.device !== undefined
    },
    async request(method, given, signal, early, chain) {
      // Some libraries give {} to a method without parameters.
      const params = Object.keys(given).length === 0 ? [] : given
      const answer = own[method]
      if (answer) {
        if (!Array.isArray(params)) throw badParams(`the params of ${method} are not a list`)
        return answer(params, { method, signal, early, chain, signIn: undefined, replaces: undefined }) // not what Object.prototype may have
      }
      if (isUnsupported(method)) throw unknownMethod(method)
      return chains.ask(method, params, signal, chain)
    },
    plugged: (device) => connecting.resume(device),
    unplugged: (device) => accounts.unplugged(device),
    revoke: () => {
      connecting.revoke()
      accounts.revoke()
    },
    close: () => subscriptions.close(),
  }
}
