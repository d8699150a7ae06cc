/** standing are the options of every request to a device that the site bound. */
export const standing = {
  /**
   * The device's key was accepted when this site bound it: by a trusted CA, or by the user. The record keeps that key, and another
   * key is refused. A device that is not bound is refused before this matters.
   */
  acceptUnverified: true,
  /** The default, but set: a field that an object lacks comes from Object.prototype, to which any script can add. */
  allowUnbound: false,
} as const
