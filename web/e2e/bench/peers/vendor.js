import client from '@imkey/web3-provider'
const { default: inner } = client // its bundle is a CommonJS module
const Provider = inner ?? client
export const ready = async () => (globalThis.client = new Provider({ rpcUrl: `${location.origin}/bench/node`, chainId: 1 }))
