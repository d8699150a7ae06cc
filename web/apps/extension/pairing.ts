// Choosing and binding a device need a page: they happen in a tab with the pages of the site.

import { type Device, type ImKey, ImKeyError } from 'imkey-connect'
import type { Pairing } from 'imkey-connect/broker'
import type { FromPair, ToPair } from './ports'
import { carriedOut } from './tasks'

interface Visit {
  readonly origin: string | undefined
  readonly end: (serial: string | undefined) => void
  serial?: string
  port?: chrome.runtime.Port
  tab?: number
}

/** Pairings lets the user choose and bind a device in a tab. */
export class Pairings {
  #visit: Visit | undefined

  /** pair is that of a broker's Shell. origin is the site that waits. */
  async pair(pairing: Pairing, origin: string | undefined): Promise<Device | void> {
    const { signal, imkey } = pairing
    // The tab opens the device, too, and only one of the two can have it.
    if (pairing.reason === 'bind') await pairing.device.close()
    const serial = await this.#inTab(origin, signal)
    if (serial === undefined) throw new ImKeyError('request-cancelled', 'The tab was closed before the imKey was bound.')
    const device = pairing.reason === 'bind' ? pairing.device : await chosen(imkey, serial)
    // The tab may still hold it: it releases a device that another page of this origin asks for.
    await device.open({ takeOver: true, signal })
    if (pairing.reason === 'bind') return undefined
    await device.close()
    return device
  }

  /** connect takes the port of a tab. */
  connect(port: chrome.runtime.Port) {
    const visit = this.#visit
    if (!visit || visit.port) return
    visit.port = port
    port.postMessage({ ...(visit.origin !== undefined && { origin: visit.origin }) } satisfies ToPair)
    port.onMessage.addListener((message) => {
      const { serial, done } = message as FromPair
      visit.serial = serial
      if (done) visit.end(serial)
    })
    port.onDisconnect.addListener(() => visit.end(visit.serial))
  }

  /** removed notes that a tab is gone. Of one whose page has loaded, its port says so. */
  removed(tab: number) {
    const visit = this.#visit
    if (visit?.tab === tab && !visit.port) visit.end(undefined)
  }

  /** #inTab opens the tab. It resolves to the serial number of the device that was bound, or undefined if the user closed the tab. */
  #inTab(origin: string | undefined, signal: AbortSignal): Promise<string | undefined> {
    return new Promise<string | undefined>((resolve, reject) => {
      const close = () => {
        if (this.#visit === visit) this.#visit = undefined
        signal.removeEventListener('abort', aborted)
        const { tab } = visit
        if (tab !== undefined) void carriedOut({ do: 'close-tab', tab }).catch(() => {}) // the user closed it
      }
      const visit: Visit = {
        origin,
        end: (serial) => {
          close()
          resolve(serial)
        },
      }
      const aborted = () => {
        close()
        reject(new ImKeyError('aborted', 'The site does not ask any more.'))
      }
      if (signal.aborted) return aborted()
      this.#visit = visit
      signal.addEventListener('abort', aborted)
      carriedOut({ do: 'tab', url: 'pair.html#request' }).then(
        (id) => {
          visit.tab = id as number
          if (this.#visit !== visit) close()
        },
        (thrown: unknown) => {
          close()
          reject(thrown)
        },
      )
    })
  }
}

async function chosen(imkey: ImKey, serial: string): Promise<Device> {
  const devices = await imkey.getDevices()
  const device = devices.find(({ serialNumber }) => serialNumber === serial) ?? (devices.length === 1 ? devices[0] : undefined)
  if (!device) throw new ImKeyError('no-device', 'The imKey was unplugged.', { retryable: true })
  return device
}
