// What the drivers' fixtures share: waiting, and ends at which nothing is left.

/**
 * until calls find again and again until it gives something, and returns that. It is for what reports no event: a part of a browser that is
 * not attached, or a file, since the system has few watches for all programs of a user, and a folder that is watched may vanish.
 */
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
