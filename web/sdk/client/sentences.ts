import type { ErrorCode } from '../types/imkey'

// What happened and what to do next, by code; and by code and data.reason where the code's own would mislead. The pages
// have theirs, in two languages, in i18n.
const sentences: Record<ErrorCode, string> & Partial<Record<`${ErrorCode}/${string}`, string>> = {
  'unsupported': 'This browser cannot reach an imKey. Open this page in Chrome, Edge or Opera, at an https address.',
  'no-device': 'No imKey is plugged in. Plug it in, wake it with a button, and try again.',
  'request-cancelled': 'No imKey was chosen. Try again; if the list was empty, wake the imKey with a button and check its cable.',
  'permission-denied': 'This page may not use the imKey. Allow it USB in the browser and in the system, then plug the imKey in again.',
  'not-imkey': 'The chosen device does not answer as an imKey does. Choose the entry named imKey.',
  'boot-loader': 'The imKey is in its boot loader. Finish its update, or restart it with its power button, then try again.',
  'device-disconnected': 'The imKey is not connected any more. Plug it in again, then try again.',
  'device-busy': 'The imKey is still busy. Finish or cancel what its screen shows, then try again.',
  'in-use-elsewhere': 'Another tab or program is using the imKey. Close it there, then try again.',
  'timeout': 'The imKey did not answer in time. Unplug it, plug it in again, then try again.',
  'aborted': 'This was stopped before it was done. Try again when you are ready.',
  'protocol': 'The imKey gave an answer that makes no sense. Plug it in directly, without a hub, then try again.',
  'user-rejected': 'The request was declined. Try again if that was not intended.',
  'code-format': 'That is no binding code. Enter the 8 characters that the imKey shows.',
  'wrong-code': 'That is not the code of this imKey. Compare each character, then enter it again.',
  'code-locked': 'There were too many wrong codes. Unlock the imKey with its PIN, or without one hold its OK button, then try again.',
  'not-bound': 'This browser is not bound to the imKey. Bind it with its binding code first.',
  'not-bound/not-remembered': 'This browser does not keep the binding code. Look where you wrote it down.',
  'bound-elsewhere': 'The imKey is bound to another app or browser. Bind it here with its binding code.',
  'untrusted-device': 'This device did not prove that it is a genuine imKey, and nothing was sent to it. Go on only if you accept a device that cannot be verified.',
  'device-mismatch': 'This is another imKey than the one expected. Compare the serial numbers, and go on with the right one only.',
  'locked': 'The imKey is locked. Enter its PIN on it, then try again.',
  'wallet-missing': 'There is no wallet on the imKey yet. Create or restore one on the device, then try again.',
  'in-menu': 'The imKey shows a menu. Go back to its home page, then try again.',
  'applet-missing': "The imKey lacks the application for this. Install it with the maker's program, then try again.",
  'storage': "This browser's storage is blocked or failing. Allow it for this site, or leave the private window, then try again.",
  'storage-full': 'This browser has no room to store the binding. Free some disk space, then try again.',
  'record-corrupt': 'What this browser stored about the imKey is damaged. Forget the imKey here, then bind it again with its code.',
  'record-exists': 'This browser knows that imKey already. Import again, and choose to replace what is here.',
  'file-invalid': 'This file holds no binding that can be imported. Export it again in the other browser.',
  'wrong-passphrase': 'That is not the passphrase of this file. Enter the one that it was exported with.',
  'invalid-argument': "This page's request does not fit. Whoever runs the page can correct it.",
  'invalid-argument/foreign-from': 'The account is none of the wallet on the imKey. Connect again to use its accounts.',
  'invalid-argument/name': 'That name does not fit. Give at most 32 characters, without line breaks.',
  'invalid-argument/passphrase': 'That passphrase does not fit. Give one of 8 characters or more.',
  'invalid-argument/unknown-device': 'This browser knows no such imKey. Bind it here first.',
  'unsupported-method': "The imKey does not know this request. Update its firmware with the maker's program, then try again.",
  'internal': 'Something went wrong in this page. Reload it; if it happens again, report this.',
  'internal/download': 'A part of this page could not be loaded. Check the connection, then try again.',
}

/** worded is an error's message: what a person reads, and in parentheses what a developer wants to know besides. */
export function worded(code: ErrorCode, detail: string, data?: Readonly<Record<string, unknown>>): string {
  const sentence = sentences[`${code}/${String(data?.['reason'])}`] ?? sentences[code]
  return detail ? `${sentence} (${detail})` : sentence
}
