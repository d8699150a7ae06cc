import { readFromSite, write } from 'imkey-connect/broker'

/** refuse answers the requests of a page whose origin is opaque: it has no name that a user could be asked about. */
export function refuse(message: unknown, post: (message: string) => void): void {
  try {
    const { type, ...said } = readFromSite(message)
    if (type !== 'request') return
    post(
      write({
        type: 'error',
        id: (said as { id: number }).id,
        code: 4100,
        message: 'This page is sandboxed and has no origin, so it cannot be allowed anything. Open it outside the sandbox.',
        data: { code: 'permission-denied', reason: 'opaque-origin', retryable: false },
      }),
    )
  } catch {
    // It is no message.
  }
}
