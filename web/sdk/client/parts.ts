/** loadStarter loads what starts imkey.wasm. It is the first of the parts that imkey.js loads on demand. */
export const loadStarter = () => import('./loader')

export const inServiceWorker = () => 'ServiceWorkerGlobalScope' in globalThis

/**
 * canLoad says whether parts can be loaded here. A service worker forbids import(), and the promise of import() would say so too late for
 * isSupported. A bundler that puts everything into one file replaces import(), so the source of the function tells.
 */
export const canLoad = () => !inServiceWorker() || !/\bimport\(/.test(String(loadStarter))
