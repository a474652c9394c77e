// Times as the pages show them. Instants come from the server in UTC and are shown in the zone of the installation.

const twoDigits = (n: number) => String(n).padStart(2, '0')

/** Seconds as 00:03:58, the form of the call log. Negative counts as 0. */
export function clock(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  return `${twoDigits(Math.floor(s / 3600))}:${twoDigits(Math.floor(s / 60) % 60)}:${twoDigits(s % 60)}`
}

/** Seconds as 0:12:22, the form of statistics. */
export function sum(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  return `${Math.floor(s / 3600)}:${twoDigits(Math.floor(s / 60) % 60)}:${twoDigits(s % 60)}`
}

/** Seconds as 3:58, or 1:02:05 from an hour on: countdowns and lengths in a sentence. */
export function short(seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  return s < 3600 ? `${Math.floor(s / 60)}:${twoDigits(s % 60)}` : sum(s)
}

const parts = new Map<string, Intl.DateTimeFormat>()

function inZone(at: Date, zone: string): Record<string, string> {
  let f = parts.get(zone)
  if (!f) {
    f = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit',
    })
    parts.set(zone, f)
  }
  return Object.fromEntries(f.formatToParts(at).map((p) => [p.type, p.value]))
}

/** An instant as 2019-05-31 15:03:31 in a zone; "" for none. */
export function stamp(at: string | Date | null | undefined, zone: string): string {
  if (!at) return ''
  const p = inZone(typeof at === 'string' ? new Date(at) : at, zone)
  return `${p.year}-${p.month}-${p.day} ${p.hour}:${p.minute}:${p.second}`
}

/** The day of an instant in a zone: 2019-05-31. */
export function day(at: Date, zone: string): string {
  const p = inZone(at, zone)
  return `${p.year}-${p.month}-${p.day}`
}

/** A day some days later (or, negative, earlier): plain calendar arithmetic, no zone. */
export function addDays(date: string, days: number): string {
  const [y, m, d] = date.split('-').map(Number)
  return new Date(Date.UTC(y!, m! - 1, d! + days)).toISOString().slice(0, 10)
}

const steps: [Intl.RelativeTimeFormatUnit, number][] = [['day', 86400], ['hour', 3600], ['minute', 60], ['second', 1]]

/** How long ago, in words of a language: "3 minutes ago". The exact time belongs into a title beside it. */
export function ago(at: string | Date, now: Date, language: string): string {
  const seconds = Math.round((new Date(at).getTime() - now.getTime()) / 1000)
  for (const [unit, size] of steps) {
    if (Math.abs(seconds) >= size || size === 1) {
      return new Intl.RelativeTimeFormat(language, { numeric: 'auto' }).format(Math.trunc(seconds / size), unit)
    }
  }
  return ''
}
