/** One field of an object that was changed; undefined: it was not there. */
export interface Change {
  object?: string // "extension 101", where a record is of several
  field: string // limits.daily_spend
  before?: string
  after?: string
}

const separator = '\n' // between an object and its field: neither has one

function text(value: unknown): string {
  if (typeof value === 'string') return value
  if (!Array.isArray(value)) return JSON.stringify(value)
  return value.map((v) => (v !== null && typeof v === 'object' ? Object.values(v as object).map(text).filter(Boolean).join(' ') : text(v))).join(value.some((v) => typeof v === 'object') ? '; ' : ' ')
}

function flat(value: unknown, path: string, into: Map<string, string>) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    // Names of fields have no blank: "extension 101" is an object of a record of several.
    for (const [name, part] of Object.entries(value)) flat(part, path === '' ? name + (name.includes(' ') ? separator : '') : path.endsWith(separator) ? path + name : `${path}.${name}`, into)
  } else if (value !== undefined && value !== null) {
    into.set(path || 'value', text(value))
  }
}

/** What differs between two states of an object, or of several by their names, field by field. Versions say nothing and are left out. */
export function changes(before: unknown, after: unknown): Change[] {
  const [a, b] = [new Map<string, string>(), new Map<string, string>()]
  flat(before, '', a)
  flat(after, '', b)
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((key) => a.get(key) !== b.get(key))
    .map((key) => {
      const [object, field] = key.includes(separator) ? key.split(separator) : [undefined, key]
      return { object, field: field!, before: a.get(key), after: b.get(key) }
    })
    .filter((c) => c.field !== 'version')
}
