/** errorCodes are the SDK's; errors.ts has a sentence for each. */
export const errorCodes = [
  'unsupported',
  'no-device',
  'request-cancelled',
  'permission-denied',
  'not-imkey',
  'boot-loader',
  'device-disconnected',
  'device-busy',
  'in-use-elsewhere',
  'timeout',
  'aborted',
  'protocol',
  'user-rejected',
  'code-format',
  'wrong-code',
  'code-locked',
  'not-bound',
  'bound-elsewhere',
  'untrusted-device',
  'device-mismatch',
  'locked',
  'wallet-missing',
  'in-menu',
  'applet-missing',
  'storage',
  'storage-full',
  'record-corrupt',
  'record-exists',
  'file-invalid',
  'wrong-passphrase',
  'invalid-argument',
  'unsupported-method',
  'internal',
] as const

export type ErrorCode = (typeof errorCodes)[number]

/** known reports whether a value has the form of an error code. */
export function known(code: unknown): code is ErrorCode {
  return typeof code === 'string' && /^[a-z]+(-[a-z]+)*$/.test(code)
}
