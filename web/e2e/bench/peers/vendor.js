import client from '@imkey/web3-provider'
const Provider = Reflect.get(client, 'default') ?? client // its bundle is a CommonJS module
export const ready = async () => (globalThis.client = new Provider({ rpcUrl: `${location.origin}/bench/node`, chainId: 1 }))
