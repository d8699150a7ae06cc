import type { Engine } from './engine'
import type { Host } from './host'

/** ConnectorHost is what provider.ts gives to the engine of a connector, sdk/connector/client.ts. */
export interface ConnectorHost extends Host {
  /** The version of imkey.js. */
  readonly version: string
  /** Opens the connector's window, or gives the one that this page opened before. It is undefined outside a page, and null if blocked. */
  open(): Window | null | undefined
  /** Gives the window that was opened within a click while the engine was loading, once. */
  opened(): Window | null | undefined
}

/** LoadConnector loads the engine of a connector. */
export type LoadConnector = () => Promise<{
  readonly start: (host: ConnectorHost) => Engine
  readonly late: Readonly<Record<string, string>>
}>
