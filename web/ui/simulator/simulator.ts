/** The simulator's own script; it is not part of the site. */
const webusb = '/sim/webusb.js'

/** SimulatorFacts is what the page takes from the simulator that served it. */
export interface SimulatorFacts {
  readonly serial: string
  /**
   * The public keys of the CAs of all its devices, in hex. They reach the page from here alone: nothing that is built
   * trusts them.
   */
  readonly cas: readonly string[]
  readonly codeAttemptsLeft: number
  /** The query that names one device of several, or ''. */
  readonly query: string
}

/**
 * How long an answer may take, in milliseconds: whatever else runs there must not hold the page up for good. A simulator on
 * a busy or an emulated machine takes seconds, and a page that did not wait for it would not trust its devices.
 */
const patience = 10_000

/**
 * findSimulator asks whether this page comes from a simulator. Only on a loopback host: a real site is never asked, and
 * what it answered would count for nothing. The answer leaves the device's screen out: the code may be on it.
 */
export async function findSimulator(location: Location): Promise<SimulatorFacts | null> {
  if (!loopback(location.hostname)) return null
  const device = new URLSearchParams(location.search).get('device')
  const query = device === null ? '' : `?device=${encodeURIComponent(device)}`
  try {
    const answer = await fetch(`/sim/v1/identity${query}`, { signal: AbortSignal.timeout(patience) })
    if (!answer.ok) return null
    const { serial, cas, codeAttemptsLeft } = (await answer.json()) as Record<string, unknown>
    if (typeof serial !== 'string' || !isTexts(cas) || typeof codeAttemptsLeft !== 'number') return null
    return { serial, cas, codeAttemptsLeft, query }
  } catch {
    return null // no simulator, which is how most sites are
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

/** loopback says that a host name is this computer's own. */
export function loopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** simulatedUSB gives an object that behaves as navigator.usb does, with the simulated device on it. */
export async function simulatedUSB({ query }: SimulatorFacts): Promise<USB> {
  const script = (await import(webusb)) as { simulatedUSB(url?: string): USB }
  if (!query) return script.simulatedUSB()
  const url = new URL(`/sim/usb${query}`, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  return script.simulatedUSB(url.href)
}
