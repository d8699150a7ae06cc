// The little of node that the tests use, so that the type check needs no package for it.

declare module 'node:test' {
  interface Context {
    readonly mock: {
      readonly timers: { enable(options: { apis: ('Date' | 'setTimeout')[]; now?: number }): void; tick(milliseconds: number): void }
    }
  }
  // The promise is for a test's parent, which runs to its end without it.
  export function test(name: string, run: (t: Context) => void | Promise<void>): void
}

declare module 'node:assert/strict' {
  interface Assert {
    ok(value: unknown, message?: string): asserts value
    equal(actual: unknown, expected: unknown, message?: string): void
    notEqual(actual: unknown, expected: unknown, message?: string): void
    deepEqual(actual: unknown, expected: unknown, message?: string): void
    match(actual: string, expected: RegExp, message?: string): void
    throws(run: () => void, expected: RegExp): void
    rejects(promise: Promise<unknown>, expected: RegExp | ((thrown: never) => boolean)): Promise<void>
    doesNotMatch(actual: string, expected: RegExp, message?: string): void
  }
  const assert: Assert
  export default assert
}

declare module 'node:fs' {
  export function readFileSync(path: string, encoding: 'utf8'): string
}

declare const process: { readonly env: Readonly<Record<string, string | undefined>> }
