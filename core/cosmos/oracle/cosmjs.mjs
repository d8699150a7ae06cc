// Reads requests as JSON, one a line, and writes what cosmjs makes of each, one line a request: an object with the field out, or with the
// field error where cosmjs throws.
import { createInterface } from 'node:readline'

import amino from '@cosmjs/amino'
import proto from '@cosmjs/proto-signing'
import stargate from '@cosmjs/stargate'
import { SignDoc, TxBody } from 'cosmjs-types/cosmos/tx/v1beta1/tx'

const registry = new proto.Registry(stargate.defaultRegistryTypes)
const aminoTypes = new stargate.AminoTypes(stargate.createDefaultAminoConverters())
const hex = (bytes) => Buffer.from(bytes).toString('hex')
const bytes = (text) => new Uint8Array(Buffer.from(text, 'hex'))

/** The wallets that sign, by their phrase. */
const wallets = new Map()
async function walletsOf(phrase) {
  if (!wallets.has(phrase)) {
    wallets.set(phrase, [await amino.Secp256k1HdWallet.fromMnemonic(phrase), await proto.DirectSecp256k1HdWallet.fromMnemonic(phrase)])
  }
  return wallets.get(phrase)
}

const answers = {
  /** A transaction to an amino document and a SignDoc, each signed by cosmjs's wallet of the phrase. */
  async sign({ phrase, messages, fee, chainId, memo, accountNumber, sequence, timeoutHeight }) {
    const [aminoWallet, directWallet] = await walletsOf(phrase)
    const [{ address, pubkey }] = await directWallet.getAccounts()
    const objects = messages.map(({ typeUrl, value }) => ({ typeUrl, value: registry.lookupType(typeUrl).fromJSON(value) }))
    const height = timeoutHeight === '0' ? undefined : BigInt(timeoutHeight)

    const document = amino.makeSignDoc(objects.map((one) => aminoTypes.toAmino(one)), fee, chainId, memo, accountNumber, sequence, height)
    const bodyBytes = registry.encodeTxBody({ messages: objects, memo, timeoutHeight: height })
    const key = proto.encodePubkey(amino.encodeSecp256k1Pubkey(pubkey))
    const authInfoBytes = proto.makeAuthInfoBytes([{ pubkey: key, sequence }], fee.amount, fee.gas, fee.granter, fee.payer)
    const signDoc = proto.makeSignDoc(bodyBytes, authInfoBytes, chainId, accountNumber)
    return {
      amino: {
        document: JSON.stringify(document),
        signBytes: hex(amino.serializeSignDoc(document)),
        signature: (await aminoWallet.signAmino(address, document)).signature.signature,
      },
      direct: {
        signBytes: hex(proto.makeSignBytes(signDoc)),
        signature: (await directWallet.signDirect(address, signDoc)).signature.signature,
      },
    }
  },
  /** A SignDoc to its messages, and to the bytes that cosmjs writes for what it read. */
  read({ signDoc }) {
    const read = SignDoc.decode(bytes(signDoc))
    const body = TxBody.decode(read.bodyBytes)
    return {
      chainId: read.chainId,
      memo: body.memo,
      messages: body.messages.map(({ typeUrl, value }) => {
        const type = registry.lookupType(typeUrl)
        return { typeUrl, value: type && type.toJSON(type.decode(value)) }
      }),
    }
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  let answer
  try {
    answer = { out: await answers[request.kind](request) }
  } catch (error) {
    answer = { error: String(error) }
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`)
}
