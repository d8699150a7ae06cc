// A schema describes a value. The type of the value and the check of it both follow from the schema, so that they cannot differ.

/** Schema reads a value. It returns a copy of what fits, and throws a sentence about what does not. at says where in the whole the value is. */
export type Schema<T> = (value: unknown, at: string) => T

/** Of is the type of the values that fit a schema. */
export type Of<S> = S extends Schema<infer T> ? T : never

/** text fits a string of at most that many UTF-16 units, which the pattern matches if there is one. */
export const text =
  (most: number, pattern?: RegExp): Schema<string> =>
  (value, at) => {
    if (typeof value !== 'string') throw `${at} is not text`
    if (value.length > most) throw `${at} is longer than ${most} characters`
    if (pattern && !pattern.test(value)) throw `${at} has another form`
    return value
  }

/** whole fits a whole number in the range. */
export const whole =
  (least: number, most: number): Schema<number> =>
  (value, at) => {
    if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
    throw `${at} is not a whole number from ${least} to ${most}`
  }

/** flag fits true and false. */
export const flag: Schema<boolean> = (value, at) => {
  if (typeof value === 'boolean') return value
  throw `${at} is neither true nor false`
}

/** exactly fits one of the values. */
export const exactly =
  <const T extends string | number | boolean | null>(...values: readonly T[]): Schema<T> =>
  (value, at) => {
    if (values.includes(value as T)) return value as T
    throw `${at} is not ${values.join(' or ')}`
  }

/** either fits what one of two schemas fits. */
export const either =
  <A, B>(one: Schema<A>, other: Schema<B>): Schema<A | B> =>
  (value, at) => {
    try {
      return one(value, at)
    } catch {
      return other(value, at)
    }
  }

/** list fits an array of at most that many entries. */
export const list =
  <T>(entry: Schema<T>, most: number): Schema<readonly T[]> =>
  (value, at) => {
    if (!Array.isArray(value) || value.length > most) throw `${at} is not a list of at most ${most}`
    return Array.from(value, (each, i) => entry(each, `${at}[${i}]`))
  }

/** table fits an object with at most that many entries, whose names and values fit. */
export const table =
  <T>(name: Schema<string>, entry: Schema<T>, most: number): Schema<Readonly<Record<string, T>>> =>
  (value, at) => {
    const names = Object.keys(plainObject(value, at))
    if (names.length > most) throw `${at} has more than ${most} entries`
    return without(names.map((each) => [name(each, `a name in ${at}`), entry((value as Record<string, unknown>)[each], `${at}.${each}`)]))
  }

type Fields = Readonly<Record<string, Schema<unknown>>>

/**
 * object fits an object with the fields. Those of optional may be absent. An unknown field does not fit: it could mean something that
 * this version does not do. Only the object's own fields count, and the copy has no prototype, so that a script that adds to
 * Object.prototype adds nothing to a message.
 */
export const object =
  // oxlint-disable-next-line typescript/no-generated-empty-object-type -- without optional fields there are none
  <R extends Fields, O extends Fields = Readonly<Record<never, Schema<unknown>>>>(
    required: R,
    optional?: O,
  ): Schema<{ readonly [K in keyof R]: Of<R[K]> } & { readonly [K in keyof O]?: Of<O[K]> }> =>
    (value, at) => {
      const given = plainObject(value, at)
      for (const name of Object.keys(given)) {
        if (!Object.hasOwn(required, name) && !(optional && Object.hasOwn(optional, name))) throw `${at} has an unknown field`
      }
      const read: [string, unknown][] = []
      for (const [name, schema] of Object.entries(required)) {
        if (!Object.hasOwn(given, name)) throw `${at} lacks ${name}`
        read.push([name, schema(given[name], `${at}.${name}`)])
      }
      for (const [name, schema] of Object.entries(optional ?? {})) {
        if (Object.hasOwn(given, name)) read.push([name, schema(given[name], `${at}.${name}`)])
      }
      return without(read) as never
    }

/** variants fits an object that one of the schemas fits: its field type names which. */
export const variants =
  <V extends Readonly<Record<string, Schema<{ readonly type: string }>>>>(schemas: V): Schema<Of<V[keyof V]>> =>
  (value, at) => {
    const type: unknown = Object.hasOwn(plainObject(value, at), 'type') ? (value as { type: unknown }).type : undefined
    if (typeof type !== 'string' || !Object.hasOwn(schemas, type)) throw `${at} has an unknown type`
    return schemas[type]!(value, at) as Of<V[keyof V]>
  }

/** Json is what JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json }

/** json fits what JSON.parse gave, nested at most that deep. It is not copied. */
export const json =
  (deepest: number): Schema<Json> =>
  (value, at) => {
    const fits = (each: unknown, depth: number): boolean => {
      if (each === null || typeof each === 'boolean' || typeof each === 'string') return true
      if (typeof each === 'number') return Number.isFinite(each) // 1e999 is none
      if (depth === 0 || typeof each !== 'object') return false
      return Object.values(each).every((inner) => fits(inner, depth - 1))
    }
    if (!fits(value, deepest)) throw `${at} is nested deeper than ${deepest} levels, or not JSON`
    return value as Json
  }

function plainObject(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw `${at} is not an object`
  return value as Record<string, unknown>
}

/** without makes an object without a prototype. The name __proto__ is an entry like others. */
const without = <T>(entries: (readonly [string, T])[]): Record<string, T> =>
  Object.setPrototypeOf(Object.fromEntries(entries), null) as Record<string, T>
