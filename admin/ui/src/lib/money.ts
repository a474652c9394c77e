// Money in the browser: BigInt millionths of the currency unit, as on the server. No float ever.

const unit = 1_000_000n
const form = /^(-?)(\d{1,10})(?:\.(\d{0,6}))?$/
export const largest = 9_007_199_254_740_991n // millionths, as the server allows

/** Millionths of a decimal text such as "12.34"; undefined where it is none, or has more than six decimals. */
export function parse(text: string): bigint | undefined {
  const m = form.exec(text.trim())
  if (!m) return undefined
  const amount = BigInt(m[2]!) * unit + BigInt((m[3] ?? '').padEnd(6, '0'))
  if (amount > largest) return undefined
  return m[1] ? -amount : amount
}

/** A decimal text with at least four decimals, more where the amount has more: "12.3400", "0.000001". */
export function format(amount: bigint): string {
  const size = amount < 0n ? -amount : amount
  const decimals = String(size % unit).padStart(6, '0').replace(/0{1,2}$/, '')
  return `${amount < 0n ? '-' : ''}${size / unit}.${decimals}`
}

/** Adds decimal texts that the server sent. */
export function add(...texts: string[]): string {
  return format(texts.reduce((sum, text) => sum + (parse(text) ?? 0n), 0n))
}

/** The text n times. */
export function times(text: string, n: number): string {
  return format((parse(text) ?? 0n) * BigInt(n))
}

/** Below, at, or above: -1, 0, 1. */
export function compare(a: string, b: string): number {
  const d = (parse(a) ?? 0n) - (parse(b) ?? 0n)
  return d < 0n ? -1 : d > 0n ? 1 : 0
}

export function negative(text: string): boolean {
  return text.startsWith('-')
}

/** For a chart only, where a pixel is coarser than a float: never for reckoning. */
export function approximate(text: string): number {
  return Number(text)
}

/** An amount with the sign of its currency: $12.5000, -$0.5000. */
export function signed(sign: string, amount: string): string {
  return negative(amount) ? `-${sign}${amount.slice(1)}` : sign + amount
}

export const signs: Record<string, string> = { USD: '$', CNY: '¥', EUR: '€', GBP: '£', XXX: '¤' }
