// What cosmjs takes for a signer is checked by its own types.
import type { OfflineAminoSigner } from '@cosmjs/amino'
import { isOfflineDirectSigner, type OfflineDirectSigner } from '@cosmjs/proto-signing'
import { SigningStargateClient } from '@cosmjs/stargate'
import { createCosmosSigner } from 'imkey-connect/cosmos'

const signer: OfflineAminoSigner & OfflineDirectSigner = createCosmosSigner({ prefix: 'osmo' })

export const client = isOfflineDirectSigner(signer) && SigningStargateClient.connectWithSigner('https://rpc.example', signer)
