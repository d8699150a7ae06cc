/** Task is what the offscreen document asks of the worker. */
export type Task =
  | { readonly do: 'window'; readonly url: string; readonly width: number; readonly height: number }
  | { readonly do: 'raise' | 'close'; readonly window: number }
  | { readonly do: 'tab'; readonly url: string }
  | { readonly do: 'close-tab'; readonly tab: number }
  | { readonly do: 'badge'; readonly text: string }
  | { readonly do: 'list' }
  | { readonly do: 'put' | 'replace'; readonly key: string; readonly value: unknown }
  | { readonly do: 'delete'; readonly key: string }

/** Removed is what the worker tells the offscreen document of a window or a tab that is gone. */
export interface Removed {
  readonly removed: 'window' | 'tab'
  readonly id: number
}

const tasks = new Set<unknown>([
  'window',
  'raise',
  'close',
  'tab',
  'close-tab',
  'badge',
  'list',
  'put',
  'replace',
  'delete',
] satisfies Task['do'][])

/** readTask tells a task from other messages. The sender is the extension itself, so the fields are right. */
export function readTask(message: unknown): Task | undefined {
  return tasks.has((Object(message) as { do?: unknown }).do) ? (message as Task) : undefined
}

/** How often a task is sent, and how long to wait before the next time, in milliseconds. */
const [most, between] = [20, 100]

/**
 * carriedOut sends a task to the worker and resolves to its result. A worker that is stopped meanwhile gives no answer; then the task is
 * sent again, which starts the worker anew. So every task can be carried out twice.
 */
export async function carriedOut(task: Task): Promise<unknown> {
  for (let times = 1; ; times++) {
    const answer = (await chrome.runtime.sendMessage(task).catch((thrown: unknown) => {
      if (times === most) throw thrown
    })) as { result?: unknown; failed?: string } | undefined
    if (answer?.failed !== undefined) throw new Error(answer.failed)
    if (answer) return answer.result
    if (times === most) throw new Error('the service worker does not answer')
    await new Promise((resolve) => setTimeout(resolve, between)) // it is still on its way out, or starts
  }
}

/** isWorker says whether the worker sent a message. The browser names its address and, unlike those of pages, no origin. */
export const isWorker = ({ url }: chrome.runtime.MessageSender) => url === chrome.runtime.getURL('worker.js')
