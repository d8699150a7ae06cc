import type { DeviceInfo, ImKey, KnownDevice, Shown } from './sdk'

/** DeviceFacts is what the user is shown about a device. */
export interface DeviceFacts {
  /** What the user decides about. It goes with each call that follows from the decision. It is not drawn and not in the report. */
  readonly shown: Shown
  readonly serial: string
  readonly firmware: string | null
  readonly bootloader: string | null
  readonly battery: number | null
  readonly charging: boolean | null
  readonly bleName: string | null
  readonly bleVersion: string | null
  readonly lifeCycle: string | null
  readonly certificate: 'verified' | 'unverified'
  /** The CA key that verified the attestation certificate. It is null if the certificate is not verified. */
  readonly key: CertificateKey | null
  /** The user's name for the device in this browser, as it is shown: see names.ts. */
  readonly called: string | null
  /** When this browser bound the device, in ISO 8601. It is null if this browser did not bind it. */
  readonly boundAt: string | null
}

/** CertificateKey is the CA key that verified a device's attestation certificate. */
export interface CertificateKey {
  /** `simulator`: a key of the simulator that serves this page. */
  readonly of: 'simulator' | 'another'
  /** The first 8 bytes of the key's SHA-256, in hex, in groups of four. */
  readonly fingerprint: string
}

/** KnownFacts is what the user is shown about a known device. */
export interface KnownFacts {
  /** The SEID identifies the record. It is not shown and not in the report. */
  readonly seid: string
  /** What the user decides about, as in DeviceFacts. */
  readonly shown: Shown
  readonly serial: string
  /** The user's name for the device, as it is shown: see names.ts. */
  readonly called: string | null
  /** The name as the user typed it. */
  readonly name: string | null
  /** Whether the name looks like that of another known device. */
  readonly alike: boolean
  readonly plugged: boolean
  /**
   * The state of the binding when this browser last heard of it. `imported`: the record came in a file, and the device has not
   * confirmed it yet. `former`: the device was bound, and has since said that it no longer is.
   */
  readonly record: 'bound' | 'unfinished' | 'imported' | 'former' | 'unreadable'
  readonly boundAt: string | null
  readonly certificate: 'verified' | 'unverified' | null
  readonly key: CertificateKey | null
  readonly codeKept: boolean
  /** Whether others may have the app key, because it came from a file. */
  readonly keyFromFile: boolean
}

/** ManagementOutcome is the outcome of an action on a binding that the management of devices carried out. */
export type ManagementOutcome = 'renamed' | 'unnamed' | 'returned'

/** recordOf returns this browser's record of a device, or null if there is none. It rejects with `storage` if the records cannot be read. */
export async function recordOf(imkey: ImKey, seid: string): Promise<KnownDevice | null> {
  return (await imkey.knownDevices()).find((known) => known.seid === seid) ?? null
}

/** shownOf returns what the user decides about: a copy, so that it stays what was shown. */
export function shownOf({ seid, serial, secureElementKey, certificate, certificateKey }: Shown): Shown {
  return { seid, serial, secureElementKey, certificate, certificateKey }
}

/** sameShown reports whether both are one device in one standing. */
export function sameShown(a: Shown, b: Shown): boolean {
  return JSON.stringify(shownOf(a)) === JSON.stringify(shownOf(b))
}

/** factsOf returns what the user is shown about a device with this info. */
export async function factsOf(info: DeviceInfo, record: KnownDevice | null, simulatorKeys: readonly string[]): Promise<DeviceFacts> {
  return {
    shown: shownOf(info),
    serial: info.serial,
    firmware: info.firmware,
    bootloader: info.bootloader,
    battery: info.battery,
    charging: info.charging,
    bleName: info.bleName,
    bleVersion: info.bleVersion,
    lifeCycle: info.lifeCycle,
    certificate: info.certificate === 'verified' ? 'verified' : 'unverified',
    key: await certificateKey(info, simulatorKeys),
    called: await shownName(record?.name),
    boundAt: record?.boundAt?.toISOString() ?? null,
  }
}

/** knownFacts returns what the user is shown about a known device. */
export async function knownFacts(
  known: KnownDevice,
  plugged: boolean,
  simulatorKeys: readonly string[],
  all: readonly KnownDevice[] = [],
): Promise<KnownFacts> {
  const { name, seid } = known
  const names = name === null ? null : await import('./names')
  return {
    seid: known.seid,
    shown: shownOf(known),
    serial: known.serial,
    called: name === null ? null : names!.shownName(name),
    name,
    alike: name !== null && all.some((other) => other.seid !== seid && other.name !== null && names!.lookAlike(name, other.name)),
    plugged,
    record: known.state,
    boundAt: known.boundAt?.toISOString() ?? null,
    certificate: known.certificate,
    key: await certificateKey(known, simulatorKeys),
    codeKept: known.codeKept,
    keyFromFile: known.keyFromFile,
  }
}

/** shownName returns a name as it is shown. Its rules are loaded with the first name, since a first pairing has none. */
export async function shownName(name: string | null | undefined): Promise<string | null> {
  return name == null ? null : (await import('./names')).shownName(name)
}

async function certificateKey(
  { certificate, certificateKey: key }: Pick<DeviceInfo | KnownDevice, 'certificate' | 'certificateKey'>,
  simulatorKeys: readonly string[],
): Promise<CertificateKey | null> {
  if (certificate !== 'verified' || key === null) return null
  const bytes = Uint8Array.from(key.match(/../g) ?? [], (digits) => parseInt(digits, 16))
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', bytes))
  const hex = Array.from(digest.subarray(0, 8), (byte) => byte.toString(16).padStart(2, '0')).join('')
  return {
    of: simulatorKeys.some((ca) => ca.toLowerCase() === key.toLowerCase()) ? 'simulator' : 'another',
    fingerprint: hex.match(/..../g)!.join(' '),
  }
}
