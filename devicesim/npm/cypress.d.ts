import type { ImKeyOptions } from './index.js'

/** The name of the browser, for `cypress run --browser imkey`. */
export const name: 'imkey'

/**
 * For `setupNodeEvents`, which returns what it returns: adds the browser, and the tasks `imkeyURL`, `imkeyCode`, `imkeyApprove`,
 * `imkeyReject`, `imkeyState`, `imkeyScreen`, `imkeyPress`, `imkeyUnplug`, `imkeyPlug`, `imkeyFault` and `imkeyRestore` for `cy.task`. The site
 * of baseUrl may use the device. It needs Linux.
 */
export function plugIn<Config extends { baseUrl?: string | null; browsers: any[] }>(
  on: (event: any, handler: any) => void,
  config: Config,
  options?: ImKeyOptions,
): Promise<Config>
