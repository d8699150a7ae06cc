import { hex, readAddress } from './hex'
import { badParams } from './refusal'

/** readHexChainId reads a chain id as EIP-5792 has it: in hex after 0x. It throws -32602 for another value. */
export function readHexChainId(value: unknown): number {
  if (typeof value !== 'string' || !/^0x[0-9a-f]{1,16}$/i.test(value) || !Number.isSafeInteger(Number(value))) {
    throw badParams('a chain id is not a number in hex after 0x, as in "0x1"')
  }
  return Number(value)
}

/**
 * capabilities carries out wallet_getCapabilities (EIP-5792): no chain has atomicity. ids are the chains that the site may use. check throws 4100
 * for an account that the site may not see. Params of another form are -32602.
 */
export function capabilities(
  [address, chainIds]: readonly unknown[],
  ids: readonly number[],
  check: (account: string | undefined) => unknown,
): Record<string, unknown> {
  // viem gives no address if its client has none.
  check(address === undefined || address === null ? undefined : readAddress(address, 'the account'))
  if (chainIds !== undefined && chainIds !== null && !Array.isArray(chainIds)) throw badParams('the chain ids are not a list')
  const wanted = (chainIds as unknown[] | null | undefined)?.map(readHexChainId)
  const known = ids.filter((id) => wanted?.includes(id) ?? true)
  return Object.fromEntries(known.map((id) => [hex(id), { atomic: { status: 'unsupported' } }]))
}
