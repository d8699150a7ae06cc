// Go's JavaScript support, as the build tool wraps it.
declare module 'go:wasm_exec' {
  export interface Go {
    argv: string[]
    exit: (code: number) => void
    readonly importObject: WebAssembly.Imports
    run(instance: WebAssembly.Instance): Promise<void>
    _resume(): void
    readonly _scheduledTimeouts: Map<number, ReturnType<typeof setTimeout>>
  }
  export function evaluate(globals: typeof globalThis): new () => Go
}
