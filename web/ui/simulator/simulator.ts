/** The address of the simulator's script. It is not part of the site. */
const webusb = '/sim/webusb.js'

/** SimulatorFacts is what a page knows about the simulator that serves it. */
export interface SimulatorFacts {
  readonly serial: string
  /**
   * The public keys of the CAs of all its devices, in hex. The page gets them only from the simulator: no build trusts
   * them.
   */
  readonly cas: readonly string[]
  readonly codeAttemptsLeft: number
  /** The query that selects one of several devices, or ''. */
  readonly query: string
}

/**
 * The longest time to wait for an answer, in milliseconds. Another server on this host must not delay the page for good. A
 * simulator on a busy or emulated machine takes seconds, and a page that does not wait for it does not trust its devices.
 */
const timeout = 10_000

/**
 * findSimulator asks whether a simulator serves this page. It asks only on a loopback host: a real site must not be able to
 * name CAs. The answer does not contain the device's screen, which may show the binding code.
 */
export async function findSimulator(location: Location): Promise<SimulatorFacts | null> {
  if (!loopback(location.hostname)) return null
  const device = new URLSearchParams(location.search).get('device')
  const query = device === null ? '' : `?device=${encodeURIComponent(device)}`
  try {
    const answer = await fetch(`/sim/v1/identity${query}`, { signal: AbortSignal.timeout(timeout) })
    if (!answer.ok) return null
    const { serial, cas, codeAttemptsLeft } = (await answer.json()) as Record<string, unknown>
    if (typeof serial !== 'string' || !isTexts(cas) || typeof codeAttemptsLeft !== 'number') return null
    return { serial, cas, codeAttemptsLeft, query }
  } catch {
    return null // most sites are not served by a simulator
  }
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}

/** loopback reports whether a host name is that of this computer. */
export function loopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127(\.\d{1,3}){3}$/.test(hostname)
}

/** simulatedUSB returns an object that behaves like navigator.usb and has the simulated device on it. */
export async function simulatedUSB({ query }: SimulatorFacts): Promise<USB> {
  const script = (await import(webusb)) as { simulatedUSB(url?: string): USB }
  if (!query) return script.simulatedUSB()
  const url = new URL(`/sim/usb${query}`, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  return script.simulatedUSB(url.href)
}
