// Wallet extensions as test subjects: their parts, by the DevTools protocol. Each driver gives a session, which has send(method, params).

import { until } from './steps.js'

/** waited waits until find gives a part, and returns it. */
const waited = (find, what, timeout = 20_000) => until(find, timeout, () => `The extension has no ${what}`)

/** The parts of one extension, as DevTools' targets. */
export class Extension {
  #session

  constructor(id, session) {
    this.id = id
    this.origin = `chrome-extension://${id}`
    this.#session = session
  }

  /** url returns the address of a page of the extension. */
  url(path) {
    return `${this.origin}/${path.replace(/^\//, '')}`
  }

  /** targets returns the parts that run, as { targetId, type, url }. */
  async targets() {
    const { targetInfos } = await this.#session.send('Target.getTargets', { filter: [{}] })
    return targetInfos.filter(({ url }) => url.startsWith(`${this.origin}/`))
  }

  /** part waits for the worker, or for the page at a path: a popup, a window, an offscreen document. */
  part(which, { timeout } = {}) {
    const match =
      which === 'worker'
        ? ({ type }) => type === 'service_worker'
        : ({ type, url }) => type !== 'service_worker' && type !== 'tab' && new URL(url).pathname === `/${which.replace(/^\//, '')}`
    return waited(async () => (await this.targets()).find(match), which, timeout)
  }

  /** kill ends a part on purpose, and waits until it is gone or, for a worker that starts again at once, was stopped. */
  async kill(which) {
    const { targetId, type } = await this.part(which)
    await this.#session.send('Target.closeTarget', { targetId })
    if (type === 'service_worker') return
    await waited(async () => !(await this.targets()).some((target) => target.targetId === targetId), `end of ${which}`)
  }
}
