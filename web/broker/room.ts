import { Refusal } from '../sdk/provider/refusal'
import { groupOf } from './origin'

export const busy = (message: string) => new Refusal(-32005, message, 'device-busy', true)

/** Who wants room. */
export interface Who {
  readonly origin: string
  /** The tab or window, as the shell knows it. */
  readonly place?: string | undefined
}

/** Guest is what has room, until leave is called. */
export interface Guest {
  /** Takes more room. It throws -32005, and takes nothing, where it gets none. */
  readonly grow: (size: number) => void
  readonly leave: () => void
}

interface Entry {
  /** From the coarse to the fine: the tab, the registrable part of the host, the origin. */
  readonly keys: readonly string[]
  readonly displace: () => void
  size: number
}

/**
 * Room is room that all sites share. While some is left, everyone gets it. When it is full, one who has less than another takes the room of
 * the newest that this one has. Tabs are compared first, then registrable domains, then origins. So a site that has nothing yet always gets
 * in, however many subdomains, frames or requests another one has, and no one loses room to one who has more.
 */
export class Room {
  readonly #most: number
  readonly #full: string
  readonly #entries = new Set<Entry>() // in the order of their arrival
  #used = 0

  /** full is the sentence for one who gets no room. */
  constructor(most: number, full: string) {
    this.#most = most
    this.#full = full
  }

  /** enter takes room. displace is called when the room went to another one: it ends what used the room. */
  enter({ origin, place }: Who, size: number, displace: () => void): Guest {
    const group = groupOf(origin)
    const entry: Entry = { keys: [place ?? group, group, origin], displace, size: 0 }
    const grow = (more: number) => {
      while (this.#used + more > this.#most) {
        const other = this.#another(entry, more)
        if (!other) throw busy(this.#full)
        this.#drop(other)
        other.displace()
      }
      entry.size += more
      if (this.#entries.has(entry)) this.#used += more
    }
    grow(size)
    this.#entries.add(entry)
    this.#used += size
    return { grow, leave: () => this.#drop(entry) }
  }

  /** #another gives the newest entry of the one who has more than entry would have, and the most. */
  #another({ keys }: Entry, size: number): Entry | undefined {
    let entries: readonly Entry[] = [...this.#entries]
    for (const [level, key] of keys.entries()) {
      const sums = new Map<string, number>()
      for (const { keys, size } of entries) sums.set(keys[level]!, (sums.get(keys[level]!) ?? 0) + size)
      const own = sums.get(key) ?? 0
      const most = Math.max(...sums.values())
      if (own < most) return own + size <= most ? entries.findLast(({ keys }) => sums.get(keys[level]!) === most) : undefined
      entries = entries.filter(({ keys }) => keys[level] === key)
    }
    return undefined
  }

  #drop(entry: Entry) {
    if (this.#entries.delete(entry)) this.#used -= entry.size
  }
}
