import { Refusal } from '../sdk/provider/refusal'

/** The rejections in a row, the time between two of them, and the time that a site then has to wait, in milliseconds. */
const [most, within, pause] = [3, 30_000, 60_000]

/** The most sites that are counted. The one that was rejected longest ago goes first. */
const mostSites = 1000

const often = () =>
  new Refusal(
    4001,
    'Several requests of this site were rejected one after another. It can ask again in a minute.',
    'user-rejected',
    true,
    undefined,
    {
      reason: 'rejected-often',
    },
  )

/** Rejections keep a site whose requests the user rejects from asking again and again. A yes makes up for all of them. */
export class Rejections {
  readonly #sites = new Map<string, { times: number; last: number }>()

  /** check throws 4001 where the site has to wait. */
  check(origin: string): void {
    const { times, last } = this.#sites.get(origin) ?? { times: 0, last: 0 }
    if (times < most) return
    if (Date.now() - last < pause) throw often()
    this.#sites.delete(origin)
  }

  /** rejected notes that the user rejected a request. */
  rejected(origin: string): void {
    const { times, last } = this.#sites.get(origin) ?? { times: 0, last: 0 }
    this.#sites.delete(origin)
    this.#sites.set(origin, { times: Date.now() - last < within ? times + 1 : 1, last: Date.now() })
    if (this.#sites.size > mostSites) this.#sites.delete(this.#sites.keys().next().value!)
  }

  agreed(origin: string): void {
    this.#sites.delete(origin)
  }
}
