// The entry of imkey-broker.js, which the connector window and the extension import as imkey-connect/broker.

import { learn } from '../sdk/client/sentences'
import { late } from '../sdk/client/sentences.late.gen'

learn(late)

export { type Broker, type BrokerOptions, startBroker } from './broker'
export { type Listed, listPermissions } from './listed'
export type * from './types'
export { mostToBroker, mostToSite, readFromSite, readToSite, version, write } from '../sdk/protocol/messages'
export type { ChainMessage, EventName, FromSite, ToSite } from '../sdk/protocol/messages'
