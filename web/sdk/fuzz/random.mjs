/** Random draws reproducible numbers (sfc32). */
export class Random {
  constructor(seed) {
    ;[this.a, this.b, this.c, this.d] = [0x9e3779b9, 0x243f6a88, seed >>> 0, Math.floor(seed / 2 ** 32) ^ 1]
    for (let i = 0; i < 15; i++) this.next()
  }

  /** A whole number below 2^32. */
  next() {
    const t = (((this.a + this.b) | 0) + this.d) | 0
    this.d = (this.d + 1) | 0
    this.a = this.b ^ (this.b >>> 9)
    this.b = (this.c + (this.c << 3)) | 0
    this.c = (((this.c << 21) | (this.c >>> 11)) + t) | 0
    return t >>> 0
  }

  /** A whole number from 0 to n - 1. */
  below(n) {
    return Math.floor((this.next() / 2 ** 32) * n)
  }

  chance(probability) {
    return this.next() / 2 ** 32 < probability
  }

  /** One of a list. */
  of(list) {
    return list[this.below(list.length)]
  }

  hex(bytes) {
    let digits = ''
    while (digits.length < 2 * bytes) digits += this.next().toString(16).padStart(8, '0')
    return `0x${digits.slice(0, 2 * bytes)}`
  }
}
