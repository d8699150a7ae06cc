// Finds the program and the library of this machine, which are in a package of their own for each platform.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

const require = createRequire(import.meta.url)
const platform = `${process.platform}-${process.arch}`

/** folder returns the folder of the package with the programs of this machine. */
function folder() {
  const name = `imkey-connect-testing-${platform}`
  try {
    return dirname(require.resolve(`${name}/package.json`))
  } catch (cause) {
    throw new Error(
      `There is no imkeysim for ${platform}: the package ${name} is not installed. Build it from the sources, and set IMKEYSIM.`,
      {
        cause,
      },
    )
  }
}

/**
 * program returns the path of imkeysim: that in the variable IMKEYSIM, or that of this package.
 * @returns {string}
 */
export function program() {
  return process.env.IMKEYSIM || join(folder(), process.platform === 'win32' ? 'imkeysim.exe' : 'imkeysim')
}

/**
 * browserPath returns the path of the file that tools take as their browser. Linux only.
 * @returns {string}
 */
export function browserPath() {
  if (process.platform !== 'linux')
    throw new Error('The browser with the device plugged in needs Linux. Elsewhere the fixtures use the WebSocket device.')
  if (process.env.IMKEYSIM) {
    const link = join(dirname(process.env.IMKEYSIM), 'imkeysim-browser')
    if (!existsSync(link)) throw new Error(`${link} must be a link to IMKEYSIM`)
    return link
  }
  return join(folder(), 'imkeysim-browser')
}

/** plugsIn says whether the device can be plugged into an unmodified browser here. */
export const plugsIn = process.platform === 'linux'
