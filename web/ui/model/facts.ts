import type { Device, DeviceInfo, ImKey, KnownDevice } from './sdk'

/** DeviceFacts is what a person may know about the device. The SEID is not among it: nobody needs it here. */
export interface DeviceFacts {
  readonly serial: string
  readonly firmware: string | null
  readonly bootloader: string | null
  readonly battery: number | null
  readonly charging: boolean | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  readonly lifeCycle: string | null
  readonly certificate: 'verified' | 'unverified'
  /** The key that vouches for it; null where none does. */
  readonly key: VouchingKey | null
  /** What its person calls it in this browser. */
  readonly called: string | null
  /** When this browser bound it, in ISO 8601; null where it did not. */
  readonly boundAt: string | null
}

/** VouchingKey is the key by which a device's certificate was verified. */
export interface VouchingKey {
  /** `simulator`: of the simulator that serves this page. */
  readonly of: 'simulator' | 'another'
  /** The first 8 bytes of the key's SHA-256, in hex, in groups of four. */
  readonly fingerprint: string
}

/** KnownFacts is what a person may know about a device that this browser has a record of. */
export interface KnownFacts {
  /** The SEID, by which the record is found. It is drawn and reported nowhere. */
  readonly seid: string
  readonly serial: string
  readonly called: string | null
  readonly plugged: boolean
  /**
   * How far the binding has come, as this browser last heard: `imported` came in a file, and the device has not confirmed it;
   * `former` was bound, and the device has denied it since.
   */
  readonly record: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  readonly boundAt: string | null
  readonly certificate: 'verified' | 'unverified' | null
  readonly key: VouchingKey | null
  readonly codeKept: boolean
}

/** Managed is how something ended that was begun with the binding and done elsewhere. */
export type Managed = 'renamed' | 'unnamed' | 'returned'

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
