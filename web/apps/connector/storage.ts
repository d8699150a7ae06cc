import type { Storage as BrokerStorage } from 'imkey-connect/broker'

const prefix = 'imkey-connector '

/** storage keeps the permissions and the activity of this browser in localStorage. All windows of the connector share it. */
export const storage: BrokerStorage = {
  async list(wanted) {
    const found: [string, unknown][] = []
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(prefix + wanted)) continue
      try {
        found.push([key.slice(prefix.length), JSON.parse(localStorage.getItem(key)!)])
      } catch {
        localStorage.removeItem(key) // it is no entry of the broker
      }
    }
    return found
  },
  async put(key, value) {
    localStorage.setItem(prefix + key, JSON.stringify(value))
  },
  async delete(key) {
    localStorage.removeItem(prefix + key)
  },
  watch(changed) {
    addEventListener('storage', ({ key }) => {
      if (key === null) changed(undefined)
      else if (key.startsWith(prefix)) changed(key.slice(prefix.length))
    })
  },
}
