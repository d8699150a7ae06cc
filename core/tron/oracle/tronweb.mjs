// Reads requests as JSON, one a line, and writes what tronweb makes of each, one line a request: an object with the field out, or with the
// field error where tronweb throws.
import { createInterface } from 'node:readline'

import { utils } from 'tronweb'

const { txJsonToPb, txPbToRawDataHex, txPbToTxID } = utils.transaction

const answers = {
  /** A transaction as nodes write it in JSON, to its raw_data and its id. */
  encode: ({ transaction }) => {
    const pb = txJsonToPb(transaction)
    return { rawData: txPbToRawDataHex(pb), txID: txPbToTxID(pb).replace(/^0x/, '') }
  },
  /** A raw_data to JSON. */
  decode: ({ contract, rawData }) => utils.deserializeTx.deserializeTransaction(contract, rawData),
  message: ({ bytes }) => utils.message.hashMessage([...Buffer.from(bytes, 'hex')]),
  typed: ({ domain, types, message }) => utils.typedData.hashTypedData(domain, types, message),
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = { out: answers[request.kind](request) }
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
