import type { Account as DeviceAccount, Device, DeviceInfo, Ethereum } from '../types/imkey'
import type { Chains } from './chains'
import type { Host } from './host'
import { hex } from './hex'
import type { Known } from './memory'
import { coded, Refusal, unauthorized } from './refusal'
import type { Account } from './review'
import { standing } from './standing'

export type { Account } from './review'

/** readAccount reads an account. The answer is signed with the secure element's key, so no other device can give it. */
export function readAccount(ethereum: Ethereum, path: string, signal?: AbortSignal): Promise<DeviceAccount> {
  return ethereum.getAccount({ path, ...standing, ...(signal && { signal }) })
}

/** Opens a device for the job whose turn it is. */
export type Open = (device: Device) => Promise<DeviceInfo>

/** Accounts are the accounts that the dApp may use, and the device that they are on. Every change emits events. */
export class Accounts {
  readonly #host: Host
  readonly #chains: Chains
  readonly #unplugged = new WeakSet<Device>() // a device that is plugged in again is another object
  #list: readonly Account[]
  #device: Device | undefined
  #serial: string | null | undefined
  #identity: string | undefined

  constructor(host: Host, chains: Chains, recalled: Known | undefined) {
    this.#host = host
    this.#chains = chains
    this.#list = recalled?.accounts ?? []
    this.#serial = recalled?.serial
    this.#identity = recalled?.device
    // Another tab revoked the permission, or the site's storage was cleared: this tab follows.
    if (host.settings.remember && host.settings.key) {
      globalThis.addEventListener?.('storage', ({ key }) => {
        if ((key === host.settings.key || key === null) && !host.recall()) this.forget(revokedWhy)
      })
    }
  }

  /** The device that the accounts are on; undefined while it is not plugged in. */
  get device(): Device | undefined {
    return this.#device
  }

  /** The USB serial number of that device, also while it is not plugged in. Another device can have it, too. */
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
    const invoker = this.#host.origin ?? globalThis.location?.origin
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

  /** has says whether the accounts are on this device, which is or was open. Only its answer to readAccount proves it. */
  has(device: Device): boolean {
    return identityOf(device.info) === this.#identity
  }

  /** adopt makes a device that was opened the current one, with these accounts. */
  adopt(device: Device, accounts: readonly Account[] = this.#list) {
    if (this.#unplugged.has(device)) {
      throw coded('device-disconnected', '', { retryable: true })
    }
    const connected = !this.#device
    this.#set(device, accounts, () => {
      if (connected) this.#host.emit('connect', { chainId: hex(this.#chains.id) })
    })
  }

  /** forget takes the accounts from the dApp. why is the sentence of the disconnect event. */
  forget(why: string) {
    const lost = this.#device
    this.#set(undefined, [], () => {
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

  /** find gives the devices that can be the one that the accounts are on, without asking the user. There is at least one. */
  async find(): Promise<readonly Device[]> {
    if (this.#device) return [this.#device]
    const devices = await (await this.#host.imkey()).getDevices()
    if (this.none) throw revoked()
    const found = devices.filter((device) => device.serialNumber === this.#serial)
    if (found.length === 0) throw notPluggedIn()
    return found
  }

  /** current gives the device that the accounts are on. It opens those that were plugged in meanwhile, to tell them apart. */
  async current(open: Open): Promise<Device> {
    const found = await this.find()
    if (this.#device) return this.#device
    let failed: unknown
    for (const device of found) {
      try {
        await open(device)
        if (this.has(device)) return device
      } catch (thrown) {
        failed ??= thrown
      }
    }
    throw failed ?? notPluggedIn()
  }

  /** confirm makes a device that current gave the current one, once it proved that it has the accounts. */
  async confirm(device: Device, signal: AbortSignal | undefined): Promise<void> {
    const [first] = this.#list
    if (device === this.#device || !first) return
    const same = await readAccount(device.ethereum, first.path, signal).then(
      ({ address }) => address.toLowerCase() === first.address.toLowerCase(),
      (thrown: unknown) => {
        if ((Object(thrown) as { code?: unknown }).code !== 'wallet-missing') throw thrown
        return false
      },
    )
    if (this.#list[0] !== first) return // they changed meanwhile
    if (same) return this.adopt(device)
    this.forget(anotherWallet)
    throw unauthorized(anotherWallet)
  }

  store() {
    if (!this.#host.settings.remember) return
    const [serial, device, chainId] = [this.#serial ?? null, this.#identity ?? '', this.#chains.id]
    this.#host.remember(this.none ? undefined : { accounts: this.#list, serial, device, chainId })
  }

  /** #set changes everything before it emits anything, so that a listener that asks gets the new state. */
  #set(device: Device | undefined, accounts: readonly Account[], tell: () => void) {
    const before = this.addresses.join()
    this.#device = device
    this.#serial = device?.serialNumber
    this.#identity = device && identityOf(device.info)
    this.#list = accounts.map(({ address, path }) => ({ address, path }))
    this.store()
    const changed = before !== this.addresses.join()
    tell()
    if (changed) this.#host.emit('accountsChanged', this.addresses)
  }
}

/** identityOf tells devices apart by the secure element and its key. A USB serial number can be another device's, too. */
export const identityOf = ({ serial, seid, secureElementKey }: DeviceInfo) => [serial, seid, secureElementKey].join(' ')

export const notPluggedIn = () =>
  new Refusal(4900, 'Your imKey is not plugged in. Plug it in, then try again.', 'device-disconnected', true)

export const anotherWallet = 'Your imKey has another wallet now. Connect again to use its accounts.'

const revokedWhy = 'The permission to use the accounts was revoked. Connect again to go on.'

/** revoked is the error of a request that was under way when the permission was revoked. */
export const revoked = () => unauthorized('The permission to use the accounts was revoked meanwhile. Connect again to go on.')
