// Types of webusb.js, for projects that have @types/w3c-web-usb, or another declaration of USB.
//
//   /** @type {typeof import('./webusb.d.ts')} */
//   const { simulatedUSB, simulatedCAs } = await import('http://localhost:7380/sim/webusb.js')
//
// A TypeScript project saves this file and maps the module's address to it: "paths" in tsconfig.json.

/** A simulated navigator.usb. */
export interface SimulatedUSB extends USB {
  /** Ends the WebSocket, and with it all that is open. A page that goes away need not call it. */
  close(): void
  onconnect: ((this: USB, event: USBConnectionEvent) => unknown) | null
  ondisconnect: ((this: USB, event: USBConnectionEvent) => unknown) | null
}

/**
 * An object that behaves as navigator.usb does in Chromium, and has one simulated imKey plugged in.
 *
 * @param url The simulator's WebSocket, ws: or http:, absolute or relative to this module. By default the one beside the
 *   module, with the module's own ?device=n.
 */
export function simulatedUSB(url?: string | URL): SimulatedUSB

/**
 * The public keys of the CAs of all the simulator's devices, in hex, for `trustedCAs` of `loadImKey`: with them its devices
 * are verified as real ones are. Nothing else trusts them.
 *
 * A page on another port of this computer gets them, too, by the simulator's own name: localhost and 127.0.0.1 are two.
 * Rejects with a DOMException, NetworkError, where the simulator does not tell them.
 *
 * @param url The simulator: as for simulatedUSB, or any other address of it. By default the module's own.
 */
export function simulatedCAs(url?: string | URL): Promise<string[]>
