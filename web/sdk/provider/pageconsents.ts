import { unlessAborted } from './call'
import { loadDialogs } from './dialog'
import type { Host } from './host'
import { Refusal, unknownMethod } from './refusal'
import type { Consents } from './review'

/**
 * pageConsents asks in the page itself, where no broker asks. Only a batch of several calls needs it: the device shows one transaction at a
 * time, and the user has to know the others before the first is signed. Where it cannot ask, there are no batches.
 */
export const pageConsents = (host: Host): Consents => ({
  async review(given, call, work) {
    const what = await given()
    if (what.kind !== 'calls') return work({})
    const { kind: _, ...calls } = what
    const known = !calls.calls.some(({ description }) => description.summary?.notes?.includes('callers-symbol'))
    const request = { ...calls, chain: { ...calls.chain, known } }
    const { confirmCalls } = host.settings
    if (!confirmCalls && calls.total === 1) return work({})
    if (!confirmCalls && !globalThis.document) throw unknownMethod(call.method, 'no-page')
    const ask = async () =>
      confirmCalls
        ? ((await confirmCalls(request)) as unknown) === true // a page in JavaScript may give anything
        : (await loadDialogs(host.loadDialog)).openCallsDialog(request, call.signal)
    if (!(await unlessAborted(call.signal, ask()))) {
      throw new Refusal(4001, 'The calls were rejected, so none of them was signed. Ask again if that was not intended.', 'user-rejected')
    }
    return work({})
  },
  chain: ({ id, nativeCurrency }) => ({ id, nativeCurrency, known: false }),
  async show(status, total) {
    await (await loadDialogs(host.loadDialog)).showCallsDialog(status, total)
  },
})
