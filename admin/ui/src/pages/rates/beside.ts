// How a rate stands beside the others: where both match the same calls, and which hours nobody bills. Only about time of
// day, prefix, length and extensions; which one wins follows the server's rule (rating/match.go): longest prefix, exact
// length, named extension, lower id. What a call really costs is asked from the server.
import type { Schemas } from '../../api/client'

export type Rate = Schemas['Rate']

const day = 86_400

/** Seconds of the day of HH:MM:SS; undefined where it is none. */
export function secondOf(text: string): number | undefined {
  const m = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text)
  return m ? Number(m[1]) * 3600 + Number(m[2]) * 60 + Number(m[3]) : undefined
}

export function timeOf(second: number): string {
  const two = (n: number) => String(n).padStart(2, '0')
  return `${two(Math.floor(second / 3600))}:${two(Math.floor(second / 60) % 60)}:${two(second % 60)}`
}

/** First and last second, both included; a block that wraps midnight is two. */
export type Span = [number, number]

export function spansOf(r: Pick<Rate, 'start_time' | 'end_time'>): Span[] {
  const a = secondOf(r.start_time)
  const b = secondOf(r.end_time)
  if (a === undefined || b === undefined) return []
  return a <= b ? [[a, b]] : [[0, b], [a, day - 1]]
}

function shared(a: Span[], b: Span[]): Span[] {
  return a.flatMap(([p, q]) => b.flatMap(([r, s]): Span[] => (Math.max(p, r) <= Math.min(q, s) ? [[Math.max(p, r), Math.min(q, s)]] : [])))
}

function sharesExtensions(a: Rate, b: Rate): boolean {
  if (a.extensions.length === 0 || b.extensions.length === 0) return false
  return a.extensions.includes('*') || b.extensions.includes('*') || a.extensions.some((e) => b.extensions.includes(e))
}

/** Whether a number exists that both match. */
function sharesNumbers(a: Rate, b: Rate): boolean {
  const [short, long] = a.prefix.length <= b.prefix.length ? [a, b] : [b, a]
  if (!long.prefix.startsWith(short.prefix)) return false
  const lengths = [a.number_length, b.number_length].filter((n) => n > 0)
  if (lengths.length === 2 && lengths[0] !== lengths[1]) return false
  return lengths.every((n) => n >= long.prefix.length)
}

/** The one that bills a call that both match. A rate that is not stored yet has id 0 and loses to an equal one. */
export function winner(a: Rate, b: Rate): Rate {
  if (a.prefix.length !== b.prefix.length) return a.prefix.length > b.prefix.length ? a : b
  if (a.number_length > 0 !== b.number_length > 0) return a.number_length > 0 ? a : b
  if (a.extensions.includes('*') !== b.extensions.includes('*')) return a.extensions.includes('*') ? b : a
  return (a.id || Infinity) <= (b.id || Infinity) ? a : b
}

export interface Overlap {
  other: Rate
  winner: Rate
  spans: Span[]
  same: boolean // prefix, length, extensions and hours are the same: one of the two is never used
}

/** Every active rate that matches some call that r matches too. */
export function overlaps(r: Rate, others: Rate[]): Overlap[] {
  return others.flatMap((other): Overlap[] => {
    if (!other.active || other.id === r.id || !sharesExtensions(r, other) || !sharesNumbers(r, other)) return []
    const spans = shared(spansOf(r), spansOf(other))
    if (spans.length === 0) return []
    const same = other.prefix === r.prefix && other.number_length === r.number_length && other.start_time === r.start_time && other.end_time === r.end_time && [...other.extensions].sort().join() === [...r.extensions].sort().join()
    return [{ other, winner: winner(r, other), spans, same }]
  })
}

/** Hours of the day in which no active rate bills the numbers and extensions of r: r itself and those at least as wide count. */
export function gaps(r: Rate, others: Rate[]): Span[] {
  const covers = (o: Rate) => o.active && o.id !== r.id && r.prefix.startsWith(o.prefix) && (o.number_length === 0 || o.number_length === r.number_length) && (o.extensions.includes('*') || (!r.extensions.includes('*') && r.extensions.every((e) => o.extensions.includes(e))))
  const spans = [...spansOf(r), ...others.filter(covers).flatMap(spansOf)].sort((a, b) => a[0] - b[0])
  const found: Span[] = []
  let next = 0
  for (const [a, b] of spans) {
    if (a > next) found.push([next, a - 1])
    next = Math.max(next, b + 1)
  }
  if (next < day) found.push([next, day - 1])
  const [first, last] = [found[0], found.at(-1)]
  if (found.length > 1 && first![0] === 0 && last![1] === day - 1) return [...found.slice(1, -1), [last![0], first![1]]] // one night, not two pieces
  return found
}
