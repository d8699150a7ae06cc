// The entry of imkey-broker.js, which the connector window and the extension import as imkey-connect/broker.

export { type Broker, type BrokerOptions, startBroker } from './broker'
export type * from './types'
export * from '../sdk/protocol/messages'
