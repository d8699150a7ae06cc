import type { Fault, ImKeyOptions, Button, State, Timeout } from './index.js'

/** What tests call as `commands` of `vitest/browser`. */
export interface ImKeyCommands {
  /** The origin of the simulator's pages. */
  imkeyURL(): Promise<string>
  imkeyState(): Promise<State>
  /** Waits until the screen shows a binding code, and reads it. */
  imkeyCode(options?: Timeout): Promise<string>
  /** Waits for a question, reads it, and confirms it. */
  imkeyApprove(options?: Timeout): Promise<string>
  /** The same, and rejects it. */
  imkeyReject(options?: Timeout): Promise<string>
  imkeyScreen(): Promise<string[]>
  imkeyPress(button: Button, options?: { hold?: boolean }): Promise<State>
  imkeyUnplug(): Promise<null>
  imkeyPlug(): Promise<null>
  imkeyFault(...faults: Fault[]): Promise<null>
  imkeyRestore(mnemonic?: string): Promise<null>
}

declare module 'vitest/browser' {
  interface BrowserCommands extends ImKeyCommands {}
}

/** One device for all test files. It needs Linux, and `fileParallelism: false`. */
export function imkey(options?: ImKeyOptions): {
  /** For `playwright(…)` of `@vitest/browser-playwright`. */
  provider: { launchOptions: { executablePath: string; args: string[] }; persistentContext: string }
  /** For `test.browser.commands`. */
  commands: Record<string, (context: unknown, ...args: any[]) => Promise<unknown>>
}
