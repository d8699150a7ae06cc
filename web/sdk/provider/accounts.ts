import type { Account as DeviceAccount, Device } from '../types/imkey'
import type { Chains } from './chains'
import type { Host } from './host'
import { hex } from './hex'
import type { Known } from './memory'
import { coded, Refusal, unauthorized } from './refusal'

export type Account = Pick<DeviceAccount, 'address' | 'path'>

/** Accounts are the accounts that the dApp may use, and the device that they are on. Every change emits events. */
export class Accounts {
  readonly #host: Host
  readonly #chains: Chains
  readonly #unplugged = new WeakSet<Device>() // a device that is plugged in again is another object
  #list: readonly Account[]
  #device: Device | undefined
  #serial: string | null | undefined

  constructor(host: Host, chains: Chains, recalled: Known | undefined) {
    this.#host = host
    this.#chains = chains
    this.#list = recalled?.accounts ?? []
    this.#serial = recalled?.serial
    // Another tab revoked the permission, or the site's storage was cleared: this tab follows.
    if (host.settings.remember) {
      globalThis.addEventListener?.('storage', ({ key }) => {
        if ((key === host.settings.key || key === null) && !host.recall()) this.forget(revokedWhy)
      })
    }
  }

  /** The device that the accounts are on; undefined while it is not plugged in. */
  get device(): Device | undefined {
    return this.#device
  }

  /** The USB serial number of that device, also while it is not plugged in. */
  get serial(): string | null | undefined {
    return this.#serial
  }

  get none(): boolean {
    return this.#list.length === 0
  }

  get addresses(): string[] {
    return this.#list.map(({ address }) => address)
  }

  /** The permissions as EIP-2255 describes them. */
  get permissions(): unknown[] {
    const value = this.addresses
    if (value.length === 0) return []
    const invoker = globalThis.location?.origin
    return [{ ...(invoker && { invoker }), parentCapability: 'eth_accounts', caveats: [{ type: 'restrictReturnedAccounts', value }] }]
  }

  /** of gives the account with that address, in lower case. It throws 4100 where the dApp may not use it. */
  of(address: string): Account {
    const account = this.#list.find((account) => account.address.toLowerCase() === address)
    if (account) return account
    throw unauthorized(
      this.none
        ? 'No account is connected. Connect one by eth_requestAccounts first.'
        : `The account ${address} is not one of the connected accounts. Use one of those, or connect again.`,
    )
  }

  /** adopt makes a device the current one, with these accounts. */
  adopt(device: Device, accounts: readonly Account[] = this.#list) {
    if (this.#unplugged.has(device)) {
      throw coded('device-disconnected', '', { retryable: true })
    }
    const connected = !this.#device
    this.#set(device, device.serialNumber, accounts, () => {
      if (connected) this.#host.emit('connect', { chainId: hex(this.#chains.id) })
    })
  }

  /** forget takes the accounts from the dApp. why is the sentence of the disconnect event. */
  forget(why: string) {
    const lost = this.#device
    this.#set(undefined, undefined, [], () => {
      if (lost) this.#host.gone(why)
    })
  }

  revoke() {
    this.forget(revokedWhy)
  }

  unplugged(device: Device) {
    this.#unplugged.add(device)
    this.lose(device)
  }

  /** lose notes that the device is not there any more. The accounts stay: it may be plugged in again. */
  lose(device: Device) {
    if (device !== this.#device) return
    this.#device = undefined
    this.#host.gone('Your imKey was unplugged. Plug it in again to continue.')
  }

  /** current gives the device that the accounts are on. It finds one that was plugged in again without asking the user. */
  async current(): Promise<Device> {
    if (this.#device) return this.#device
    const devices = await (await this.#host.imkey()).getDevices()
    if (this.none) throw revoked()
    const device = devices.find((device) => device.serialNumber === this.#serial)
    if (!device) throw new Refusal(4900, 'Your imKey is not plugged in. Plug it in, then try again.', 'device-disconnected', true)
    this.adopt(device)
    return device
  }

  store() {
    if (!this.#host.settings.remember) return
    this.#host.remember(this.none ? undefined : { accounts: this.#list, serial: this.#serial ?? null, chainId: this.#chains.id })
  }

  /** #set changes everything before it emits anything, so that a listener that asks gets the new state. */
  #set(device: Device | undefined, serial: string | null | undefined, accounts: readonly Account[], tell: () => void) {
    const before = this.addresses.join()
    this.#device = device
    this.#serial = serial
    this.#list = accounts.map(({ address, path }) => ({ address, path }))
    this.store()
    const changed = before !== this.addresses.join()
    tell()
    if (changed) this.#host.emit('accountsChanged', this.addresses)
  }
}

const revokedWhy = 'The permission to use the accounts was revoked. Connect again to go on.'

/** revoked is the error of a request that was under way when the permission was revoked. */
export const revoked = () => unauthorized('The permission to use the accounts was revoked meanwhile. Connect again to go on.')
