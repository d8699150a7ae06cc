import type { PairingRequest } from '../sdk/types/imkey'
import { Refusal } from './refusal'

/** openDialog asks the person for the binding code. */
export async function openDialog(_: PairingRequest): Promise<unknown> {
  throw new Refusal(4100, 'the imKey is not bound to this browser: bind it on the connect page first', 'not-bound', true)
}
