import type { Storage as BrokerStorage } from 'imkey-connect/broker'

const prefix = 'imkey-connector '

/** kept gives localStorage. A browser that blocks it has kept nothing, and keeps nothing: then the permissions end with the window. */
function kept(): globalThis.Storage | undefined {
  try {
    return localStorage
  } catch {
    return undefined
  }
}

/** storage keeps the permissions and the activity of this browser in localStorage. All windows of the connector share it. */
export const storage: BrokerStorage = {
  async list(wanted) {
    const found: [string, unknown][] = []
    const all = kept()
    for (const key of Object.keys(all ?? {})) {
      if (!key.startsWith(prefix + wanted)) continue
      try {
        found.push([key.slice(prefix.length), JSON.parse(all!.getItem(key)!)])
      } catch {
        all!.removeItem(key) // it is no entry of the broker
      }
    }
    return found
  },
  async put(key, value) {
    kept()?.setItem(prefix + key, JSON.stringify(value))
  },
  async delete(key) {
    kept()?.removeItem(prefix + key)
  },
  watch(changed) {
    addEventListener('storage', ({ key }) => {
      if (key === null) changed(undefined)
      else if (key.startsWith(prefix)) changed(key.slice(prefix.length))
    })
  },
}
