import type { Device, DeviceInfo, ImKey, KnownDevice } from './sdk'
import type { DeviceFacts, KnownFacts, VouchingKey } from './state'

/** recordOf gives what this browser's store has of a device; null where that is nothing, or cannot be told now. */
export async function recordOf(imkey: ImKey, seid: string): Promise<KnownDevice | null> {
  return (await recordsOf(imkey)).find((known) => known.seid === seid) ?? null
}

/** recordsOf gives all of them. What is wrong with the store is told by what needs it. */
export async function recordsOf(imkey: ImKey): Promise<readonly KnownDevice[]> {
  return imkey.knownDevices().catch(() => [])
}

/** factsOf gives what a person may know about an open device. */
export async function factsOf({ info }: Device, record: KnownDevice | null, simulatorKeys: readonly string[]): Promise<DeviceFacts> {
  return {
    serial: info.serial,
    firmware: info.firmware,
    bootloader: info.bootloader,
    battery: info.battery,
    charging: info.charging,
    bleName: info.bleName,
    bleVersion: info.bleVersion,
    lifeCycle: info.lifeCycle,
    certificate: info.certificate === 'verified' ? 'verified' : 'unverified',
    key: await vouching(info, simulatorKeys),
    called: record?.name ?? null,
    boundAt: record?.boundAt?.toISOString() ?? null,
  }
}

/** knownFacts gives what a person may know about a record. */
export async function knownFacts(known: KnownDevice, plugged: boolean, simulatorKeys: readonly string[]): Promise<KnownFacts> {
  return {
    seid: known.seid,
    serial: known.serial,
    called: known.name,
    plugged,
    record: known.state,
    boundAt: known.boundAt?.toISOString() ?? null,
    certificate: known.certificate,
    key: await vouching(known, simulatorKeys),
    codeKept: known.codeKept,
  }
}

async function vouching(
  { certificate, certificateKey: key }: Pick<DeviceInfo | KnownDevice, 'certificate' | 'certificateKey'>,
  simulatorKeys: readonly string[],
): Promise<VouchingKey | null> {
  if (certificate !== 'verified' || key === null) return null
  const bytes = Uint8Array.from(key.match(/../g) ?? [], (digits) => parseInt(digits, 16))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return {
    of: simulatorKeys.some((ca) => ca.toLowerCase() === key.toLowerCase()) ? 'simulator' : 'another',
    fingerprint: hex.match(/..../g)!.join(' '),
  }
}
