import { setup } from 'gridplus-sdk'
export const ready = async () => (globalThis.client = setup)
