/** One field of an object that was changed; undefined: it was not there. */
export interface Change {
  field: string
  before?: string
  after?: string
}

function flat(value: unknown, path: string, into: Map<string, string>) {
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
    for (const [name, part] of Object.entries(value)) flat(part, path ? `${path}.${name}` : name, into)
  } else if (value !== undefined && value !== null) {
    into.set(path || 'value', Array.isArray(value) && value.every((v) => typeof v !== 'object') ? value.join(' ') : typeof value === 'string' ? value : JSON.stringify(value))
  }
}

/** What differs between two states of an object, field by field: limits.daily_spend. Versions say nothing and are left out. */
export function changes(before: unknown, after: unknown): Change[] {
  const [a, b] = [new Map<string, string>(), new Map<string, string>()]
  flat(before, '', a)
  flat(after, '', b)
  const fields = [...new Set([...a.keys(), ...b.keys()])].filter((f) => f !== 'version' && a.get(f) !== b.get(f))
  return fields.map((field) => ({ field, before: a.get(field), after: b.get(field) }))
}
