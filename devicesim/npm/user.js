// What a test that runs inside the browser asks its runner for: the device and its user, by names.

const calls = ['state', 'code', 'approve', 'reject', 'screen', 'press', 'unplug', 'plug', 'fault', 'restore']

/** userOf returns the functions imkeyURL, imkeyCode and so on. device returns the device of the browser that runs. */
export function userOf(device) {
  const functions = { imkeyURL: async () => (await device()).url }
  for (const call of calls) {
    functions[`imkey${call[0].toUpperCase()}${call.slice(1)}`] = async (...args) => (await (await device())[call](...args)) ?? null
  }
  return functions
}
