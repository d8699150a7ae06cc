import * as bitbox from 'bitbox-api' // starts its WebAssembly
export const ready = async () => (globalThis.client = bitbox.bitbox02ConnectAuto)
