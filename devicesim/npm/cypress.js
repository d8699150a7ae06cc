// A simulated imKey for Cypress: a custom browser, and tasks for the device and its user.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { browserPath, find, newFile, switches, testMnemonic } from './index.js'
import { userOf } from './user.js'

/** The name of the browser, for `cypress run --browser imkey`. */
export const name = 'imkey'

/** browser returns what Cypress knows about a browser. */
async function browser() {
  const path = browserPath()
  const { stdout } = await promisify(execFile)(path, ['--version'])
  const version = /\d+(?:\.\d+)+/.exec(stdout)?.[0]
  if (!version) throw new Error(`${path} --version says ${JSON.stringify(stdout)}`)
  return {
    name,
    family: 'chromium',
    channel: 'stable',
    displayName: 'Chromium with an imKey',
    version,
    majorVersion: Number.parseInt(version, 10),
    path,
    isHeaded: false,
    isHeadless: true,
  }
}

/** oneArgument makes tasks, which take one argument: that of the function, or a list of them. */
const oneArgument = (functions) =>
  Object.fromEntries(
    Object.entries(functions).map(([task, call]) => [task, (args) => call(...(Array.isArray(args) ? args : args == null ? [] : [args]))]),
  )

/** plugIn is for setupNodeEvents, which returns what it returns. The site of baseUrl may use the device. */
export async function plugIn(on, config, { allow = [], ...options } = {}) {
  const sites = config.baseUrl ? [new URL(config.baseUrl).origin] : []
  let file = ''
  on('before:browser:launch', (started, launch) => {
    if (started.name !== name) return launch
    file = newFile()
    launch.args.push(...switches({ mnemonic: testMnemonic, ...options, allow: [...sites, ...allow], file }))
    return launch
  })
  on('task', oneArgument(userOf(() => find(file))))
  return { ...config, browsers: [...config.browsers, await browser()] }
}
