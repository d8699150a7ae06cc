// What the build of the extension takes in place of ui/simulator/simulator.ts: no simulator serves an extension, and the store's rules
// forbid a script from elsewhere.

export const findSimulator = async (): Promise<null> => null

export const simulatedUSB = async (): Promise<never> => {
  throw new Error('an extension has no simulator')
}
