// What both fuzzers count and print.

/** Report collects faults, and the figures of a run. */
export class Report {
  faults = new Map() // by invariant
  figures = {}
  seed = 0

  constructor(invariants) {
    for (const name of [...invariants, 'no unhandled rejection', 'memory is bounded']) this.faults.set(name, [])
    process.on('unhandledRejection', (reason) => this.fault('no unhandled rejection', String(Object(reason).stack ?? reason)))
    process.on('uncaughtException', (thrown) => {
      if (Object(thrown).ofThePage) this.count("errors of the page's own listeners")
      else this.fault('no unhandled rejection', String(Object(thrown).stack ?? thrown))
    })
  }

  count(name, n = 1) {
    this.figures[name] = (this.figures[name] ?? 0) + n
  }

  fault(invariant, detail) {
    const list = this.faults.get(invariant)
    if (!list) throw new Error(`no such invariant: ${invariant}`)
    list.push({ seed: this.seed, detail })
  }

  /** check notes a fault unless the condition holds. */
  check(invariant, holds, detail) {
    if (!holds) this.fault(invariant, typeof detail === 'function' ? detail() : detail)
  }

  /** run runs a script for each seed, prints the report, and ends the program. */
  async run(script, first, runs, title) {
    try {
      const warmUp = Math.min(500, runs >> 2)
      let floor = 0
      for (let i = 0; i < runs; i++) {
        if (i === warmUp) floor = memory()
        this.seed = first + i
        await script(this.seed)
      }
      const grown = memory() - floor
      this.figures['bytes that the memory grew'] = grown
      this.check('memory is bounded', grown < 32 << 20, `${grown} bytes in ${runs - warmUp} scripts`)
      process.exitCode = this.#print(`${runs} ${title}, seeds from ${first}`) ? 0 : 1
    } catch (thrown) {
      console.log(`the script of seed ${this.seed} failed: ${String(Object(thrown).stack ?? thrown)}`)
      process.exitCode = 1
    }
  }

  #print(title) {
    console.log(title)
    for (const [name, n] of Object.entries(this.figures)) console.log(`  ${name}: ${n}`)
    for (const [name, list] of this.faults) {
      console.log(`  ${name}: ${list.length} faults`)
      for (const { seed, detail } of list.slice(0, Number(process.env.SHOW ?? 3))) console.log(`    IMKEY_SEED=${seed}: ${detail}`)
    }
    return [...this.faults.values()].every((list) => list.length === 0)
  }
}

/** memory gives the bytes in use after a collection. */
function memory() {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
