// The libraries of a dApp for Cosmos, for cosmos_test.go. They are installed in core/cosmos/oracle.
import { makeSignDoc, serializeSignDoc } from '@cosmjs/amino'
import { Secp256k1, Secp256k1Signature, sha256 } from '@cosmjs/crypto'
import { makeSignBytes } from '@cosmjs/proto-signing'
import { AminoTypes, createDefaultAminoConverters, SigningStargateClient } from '@cosmjs/stargate'

const bytesOf = (base64) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

/** verifies says whether a signature is one of a key over bytes. */
const verifies = (signature, pubkey, bytes) =>
  Secp256k1.verifySignature(Secp256k1Signature.fromFixedLength(signature), sha256(bytes), pubkey)

/** Has cosmjs sign transactions with a signer, without a node. Each function resolves to whether the signature verifies by cosmjs. */
globalThis.cosmjs = (signer, data = { accountNumber: 7, sequence: 3, chainId: 'cosmoshub-4' }) => ({
  async direct(address, messages, fee, memo) {
    const client = await SigningStargateClient.offline(signer)
    const { bodyBytes, authInfoBytes, signatures } = await client.sign(address, messages, fee, memo, data)
    const [account] = await signer.getAccounts()
    const signDoc = makeSignBytes({ bodyBytes, authInfoBytes, chainId: data.chainId, accountNumber: BigInt(data.accountNumber) })
    return verifies(signatures[0], account.pubkey, signDoc)
  },
  async amino(address, messages, fee, memo) {
    const client = await SigningStargateClient.offline({ getAccounts: signer.getAccounts, signAmino: signer.signAmino })
    const { bodyBytes, authInfoBytes, signatures } = await client.sign(address, messages, fee, memo, data)
    const [account] = await signer.getAccounts()
    const types = new AminoTypes(createDefaultAminoConverters())
    const document = makeSignDoc(
      messages.map((one) => types.toAmino(one)),
      fee,
      data.chainId,
      memo,
      data.accountNumber,
      data.sequence,
    )
    return verifies(signatures[0], account.pubkey, serializeSignDoc(document)) && bodyBytes.length > 0 && authInfoBytes.length > 0
  },
  /** A message of ADR-36, as the specification has it. */
  verifyArbitrary(signer, text, { pub_key, signature }) {
    const value = { signer, data: btoa(String.fromCharCode(...new TextEncoder().encode(text))) }
    const fee = { gas: '0', amount: [] }
    const document = makeSignDoc([{ type: 'sign/MsgSignData', value }], fee, '', '', 0, 0)
    return verifies(bytesOf(signature), bytesOf(pub_key.value), serializeSignDoc(document))
  },
})
