/** The name of the connector's database, and of the channel on which windows tell each other which keys they wrote. */
export const connectorDatabase = 'imkey-connector'
