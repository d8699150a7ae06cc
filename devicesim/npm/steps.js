// What the drivers' fixtures share: waiting, and ends at which nothing is left.

/** until polls until find gives something, and returns that. A program that reports no event has to be polled. */
export async function until(find, timeout, message) {
  for (const limit = performance.now() + timeout; ;) {
    const found = await find()
    if (found) return found
    if (performance.now() > limit) throw new Error(message())
    await new Promise((done) => setTimeout(done, 20))
  }
}

/** ended takes each step, also after one that fails, and returns the first error: the earlier one, or that of a step. */
export async function ended(steps, earlier = undefined) {
  let first = earlier
  for (const step of steps) {
    try {
      await step()
    } catch (error) {
      first ??= error
    }
  }
  return first
}
