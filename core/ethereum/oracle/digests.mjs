// Reads documents of EIP-712 as JSON, one a line, and writes what each library makes of them, one line a document: an object with a
// digest for each library that gives one. A library that throws has no entry.
import { createInterface } from 'node:readline'

import sigUtil from '@metamask/eth-sig-util'
import { TypedDataEncoder } from 'ethers'
import { hashTypedData } from 'viem'

const libraries = {
  ethers: ({ types: { EIP712Domain: _, ...types }, primaryType, domain, message }) => {
    // ethers finds the primary type itself, and makes EIP712Domain of the domain.
    const encoder = TypedDataEncoder.from(types)
    if (encoder.primaryType !== primaryType) throw new Error('another primary type')
    return TypedDataEncoder.hash(domain, types, message)
  },
  viem: hashTypedData,
  sigUtil: (document) => hex(sigUtil.TypedDataUtils.eip712Hash(document, 'V4')),
  sigUtilV3: (document) => hex(sigUtil.TypedDataUtils.eip712Hash(document, 'V3')),
}

const hex = (bytes) => `0x${Buffer.from(bytes).toString('hex')}`

for await (const line of createInterface({ input: process.stdin })) {
  const given = {}
  for (const [name, hash] of Object.entries(libraries)) {
    try {
      given[name] = hash(JSON.parse(line)) // parsed again, since a library may change its argument
    } catch {
      // It refuses the document.
    }
  }
  process.stdout.write(`${JSON.stringify(given)}\n`)
}
