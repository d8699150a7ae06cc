/**
 * Ask sends a request for a coin to a broker and resolves to the result. sdk/protocol/coins.ts has the methods and their params, which may have
 * bytes: they are written as hex.
 */
export type Ask = (method: string, params: object) => Promise<unknown>
