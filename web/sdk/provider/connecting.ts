import type { Device, Ethereum } from '../types/imkey'
import { type Account, type Accounts, readAccount, revoked } from './accounts'
import { type Call, unlessAborted } from './call'
import type { Host } from './host'
import type { Lease } from './lease'
import { abortedByCaller, Refusal } from './refusal'
import { reviewed } from './review'

/** Attempt is one connecting, which all callers that come meanwhile share. */
interface Attempt {
  readonly done: Promise<void>
  readonly controller: AbortController
  callers: number
}

/** Connecting reads the accounts of a device that the user chose, and gives them to the dApp. */
export class Connecting {
  readonly #host: Host
  readonly #accounts: Accounts
  readonly #lease: Lease
  #attempt: Attempt | undefined

  constructor(host: Host, accounts: Accounts, lease: Lease) {
    this.#host = host
    this.#accounts = accounts
    this.#lease = lease
  }

  /** connect joins the attempt that is under way or begins one, with the device that find gives, or with one that the host finds. */
  async connect(call: Call, find?: (signal?: AbortSignal) => Promise<Device>): Promise<void> {
    // Browsers open their chooser only within the click. A broker asks the user before it looks for a device.
    const found = this.#host.consents ? undefined : find?.()
    found?.catch(() => {}) // not looked at where an attempt is under way
    // An aborted attempt only waits until the device is idle. Its failure does not concern this caller.
    while (this.#attempt?.controller.signal.aborted)
      await unlessAborted(
        call.signal,
        this.#attempt.done.catch(() => {}),
      )
    const attempt = (this.#attempt ??= this.#begin(call, found ? () => found : find))
    attempt.callers++
    return new Promise<void>((resolve, reject) => {
      const giveUp = () => {
        if (--attempt.callers > 0) reject(abortedByCaller(call.signal))
        else attempt.controller.abort(call.signal!.reason) // it settles when the device is idle
      }
      call.signal?.addEventListener('abort', giveUp, { once: true })
      attempt.done.then(resolve, reject).finally(() => call.signal?.removeEventListener('abort', giveUp))
    })
  }

  /** revoke ends an attempt because the permission was revoked. */
  revoke() {
    this.#attempt?.controller.abort(revoked())
  }

  /**
   * resume continues with a device that was plugged in: the one that the accounts are on, or another that is bound here, with its own
   * accounts. Another device with the same USB serial number could pretend to be the first, so it has to wait until the dApp connects.
   */
  resume(device: Device) {
    this.#resume(device, 5).catch(() => {}) // no request waits for it; if it is locked or not bound here, the next request says so
  }

  async #resume(device: Device, tries: number): Promise<void> {
    const over = () => this.#accounts.device !== undefined || this.#accounts.none
    if (over()) return
    const call = { method: 'eth_accounts', signal: undefined }
    try {
      await this.#lease.use(call, {
        find: async (open) => {
          await open(device)
          if (!this.#accounts.has(device) && device.serialNumber === this.#accounts.serial) throw revoked()
          return device
        },
        run: async ({ ethereum }) => {
          if (over()) return
          if (this.#accounts.has(device)) return this.#accounts.confirm(device, undefined)
          if (this.#host.consents) throw revoked() // the user has not allowed this site to see another device's accounts
          const accounts = await this.#read(ethereum)
          if (!over()) this.#accounts.adopt(device, accounts)
        },
        mayPair: false,
      })
    } catch (thrown) {
      // The other tabs of the site resume, too, one after another.
      if ((Object(thrown) as { code?: unknown }).code === 'in-use-elsewhere' && tries > 1) return this.#resume(device, tries - 1)
      throw thrown
    }
  }

  #begin({ method }: Call, find = (signal?: AbortSignal) => this.#host.find(false, method, this.#accounts.serial, signal)): Attempt {
    const controller = new AbortController()
    const { signal } = controller
    const done = reviewed(this.#host, { kind: 'accounts' }, { method, signal }, async ({ paths, compare, signal = controller.signal }) => {
      const device = await unlessAborted(signal, find(signal))
      await this.#lease.use(
        { method, signal },
        {
          find: async () => device,
          mayPair: true,
          run: async (device) => {
            const accounts = await this.#read(device.ethereum, signal, paths)
            if (signal.aborted) throw abortedByCaller(signal)
            for (const { path, address } of accounts) compare?.(path, [address])
            this.#accounts.adopt(device, accounts)
          },
        },
      )
    })
      .catch((thrown: unknown) => {
        throw signal.reason instanceof Refusal ? signal.reason : thrown // the permission was revoked
      })
      .finally(() => {
        this.#attempt = undefined
      })
    return { done, controller, callers: 0 }
  }

  async #read(ethereum: Ethereum, signal?: AbortSignal, paths = this.#host.settings.paths): Promise<Account[]> {
    const accounts: Account[] = []
    for (const path of paths) {
      accounts.push(await readAccount(ethereum, path, signal))
    }
    return accounts
  }
}
