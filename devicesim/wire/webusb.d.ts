// The types of webusb.js, for projects that have @types/w3c-web-usb or another declaration of USB.
//
//   /** @type {typeof import('./webusb.d.ts')} */
//   const { simulatedUSB, simulatedCAs } = await import('http://localhost:7380/sim/webusb.js')
//
// A TypeScript project saves this file and maps the module's address to it with "paths" in tsconfig.json.

/** A simulated navigator.usb. */
export interface SimulatedUSB extends USB {
  /** Closes the WebSocket, and the device with it. A page that is closed need not call it. */
  close(): void
  onconnect: ((this: USB, event: USBConnectionEvent) => unknown) | null
  ondisconnect: ((this: USB, event: USBConnectionEvent) => unknown) | null
}

/**
 * Returns an object that behaves like navigator.usb of Chromium, with one simulated imKey plugged in.
 *
 * @param url The simulator's WebSocket, ws: or http:, absolute or relative to this module. The default is the WebSocket of
 *   the simulator that serves the module, with the module's own ?device=n.
 */
export function simulatedUSB(url?: string | URL): SimulatedUSB

/**
 * Returns the public keys of the CAs of all devices of a simulator, in hex, for `trustedCAs` of `loadImKey`. With them the
 * SDK verifies these devices as it verifies real ones. No build trusts them by default.
 *
 * A page on another port of this computer can call it too, but under the simulator's own host name: localhost and 127.0.0.1
 * differ. The promise rejects with a DOMException, NetworkError, if the simulator does not answer.
 *
 * @param url Any address of the simulator. The default is the simulator that serves the module.
 */
export function simulatedCAs(url?: string | URL): Promise<string[]>
