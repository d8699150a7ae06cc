/** isBlocked says whether an origin has no storage: it is opaque, or the user forbade it. Web Locks are then refused as well. */
export async function isBlocked(thrown: unknown): Promise<boolean> {
  const isSecurity = (thrown: unknown) => (Object(thrown) as { name?: unknown }).name === 'SecurityError'
  return isSecurity(thrown) || (navigator.locks?.query().then(() => false, isSecurity) ?? false)
}
