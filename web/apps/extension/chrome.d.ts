// The part of Chromium's extension API that the extension uses.

declare namespace chrome {
  interface Event<L> {
    addListener(listener: L): void
    removeListener(listener: L): void
  }

  namespace runtime {
    /** The id of the extension. It is missing in a content script whose extension was updated or removed. */
    const id: string | undefined
    const lastError: { readonly message?: string } | undefined

    interface MessageSender {
      readonly id?: string
      /** The origin of the frame, or "null". */
      readonly origin?: string
      readonly url?: string
      readonly frameId?: number
      readonly tab?: { readonly id?: number; readonly windowId?: number; readonly incognito: boolean }
    }

    interface Port {
      readonly name: string
      readonly sender?: MessageSender
      readonly onMessage: Event<(message: unknown) => void>
      readonly onDisconnect: Event<() => void>
      postMessage(message: unknown): void
      disconnect(): void
    }

    const onConnect: Event<(port: Port) => void>
    const onMessage: Event<(message: unknown, sender: MessageSender, respond: (answer: unknown) => void) => true | undefined>
    const onStartup: Event<() => void>
    const onInstalled: Event<() => void>
    function connect(info: { readonly name: string }): Port
    function sendMessage(message: unknown): Promise<unknown>
    function getURL(path: string): string
    function getContexts(filter: { readonly contextTypes: readonly string[] }): Promise<readonly { readonly documentUrl?: string }[]>
  }

  namespace offscreen {
    function createDocument(document: {
      readonly url: string
      readonly reasons: readonly string[]
      readonly justification: string
    }): Promise<void>
  }

  namespace windows {
    interface Window {
      readonly id?: number
    }
    function create(options: {
      readonly url: string
      readonly type: 'popup'
      readonly width: number
      readonly height: number
      readonly focused: boolean
    }): Promise<Window>
    function update(id: number, change: { readonly focused?: boolean; readonly drawAttention?: boolean }): Promise<Window>
    function remove(id: number): Promise<void>
    const onRemoved: {
      addListener(listener: (id: number) => void, filter: { readonly windowTypes: readonly string[] }): void
    }
  }

  namespace tabs {
    interface Tab {
      readonly id?: number
      readonly windowId: number
    }
    function create(options: { readonly url: string }): Promise<Tab>
    function query(filter: { readonly active: boolean; readonly currentWindow: boolean }): Promise<Tab[]>
    function update(id: number, change: { readonly active: boolean }): Promise<Tab>
    function remove(id: number): Promise<void>
    const onRemoved: Event<(id: number) => void>
  }

  namespace action {
    function setBadgeText(badge: { readonly text: string }): Promise<void>
  }

  namespace storage {
    interface Area {
      get(key: string | null): Promise<Record<string, unknown>>
      set(values: Record<string, unknown>): Promise<void>
      remove(key: string): Promise<void>
      setAccessLevel(level: { readonly accessLevel: 'TRUSTED_CONTEXTS' }): Promise<void>
      readonly onChanged: Event<(changes: Record<string, { readonly newValue?: unknown }>) => void>
    }
    const local: Area
    const sync: Area
  }
}
