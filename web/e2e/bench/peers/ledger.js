import { DeviceManagementKitBuilder } from '@ledgerhq/device-management-kit'
import { SignerEthBuilder } from '@ledgerhq/device-signer-kit-ethereum'
import { webHidTransportFactory } from '@ledgerhq/device-transport-kit-web-hid'
export const ready = async () => {
  const dmk = new DeviceManagementKitBuilder().addTransport(webHidTransportFactory).build()
  globalThis.client = (sessionId) => new SignerEthBuilder({ dmk, sessionId }).build()
}
