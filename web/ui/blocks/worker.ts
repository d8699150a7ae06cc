// The policy of Trusted Types that exports and imports need.
//
// They run in a worker, whose address the page's Content-Security-Policy accepts only from a policy. imkey.js writes
// `new Worker(new URL('./imkey-backup.js', import.meta.url))`, the form that bundlers recognise, so the policy is the default one. It
// allows that address and nothing else.

interface TrustedTypes {
  createPolicy(name: string, rules: { createScriptURL(url: string): string | null }): unknown
}

/** allowWorker makes the policy. It does nothing in a browser without Trusted Types, or where the server's headers forbid it. */
export function allowWorker() {
  const worker = `${location.origin}/imkey-backup.js`
  try {
    ;(globalThis as { trustedTypes?: TrustedTypes }).trustedTypes?.createPolicy('default', {
      createScriptURL: (url) => (url === worker ? url : null),
    })
  } catch {
    // exports and imports run in the page
  }
}
