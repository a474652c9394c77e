import type { Schemas } from '../api/client'

export type Settings = Schemas['Settings']

/** The settings while they are edited: whole numbers are texts, as they are typed. Webhooks are edited by themselves. */
export interface Draft {
  currency: Settings['currency']
  timezone: string
  low_balance_threshold: string
  unrated_calls: Settings['unrated_calls']
  unknown_extension: Settings['unknown_extension']
  insufficient_funds_code: Settings['insufficient_funds_code']
  limit_code: Settings['limit_code']
  ring_timeout: string
  max_call_seconds: string
  keepalive_interval: string
  emergency_numbers: string[]
  emergency_trunks: string[]
  concurrent_calls: string
  call_seconds: string
  daily_spend: string
  deny_prefixes: string[]
  allow_prefixes: string[]
  webhook_allow_private: boolean
}

export const currencies = ['USD', 'CNY', 'EUR', 'GBP', 'XXX'] as const

/** What a billing manager may change; the rest is the administrator's. */
export const managersFields: (keyof Draft)[] = ['currency', 'low_balance_threshold']

/** Fields of default_limits, which the server calls default_limits.NAME. */
const limits = ['concurrent_calls', 'call_seconds', 'daily_spend', 'deny_prefixes', 'allow_prefixes']

/** The name of a field as the server reports a mistake in it. */
export function location(field: keyof Draft): string {
  return limits.includes(field) ? `default_limits.${field}` : field
}

export function draftOf(s: Settings): Draft {
  return {
    currency: s.currency, timezone: s.timezone, low_balance_threshold: s.low_balance_threshold,
    unrated_calls: s.unrated_calls, unknown_extension: s.unknown_extension,
    insufficient_funds_code: s.insufficient_funds_code, limit_code: s.limit_code,
    ring_timeout: String(s.ring_timeout), max_call_seconds: String(s.max_call_seconds), keepalive_interval: String(s.keepalive_interval),
    emergency_numbers: [...s.emergency_numbers], emergency_trunks: [...s.emergency_trunks],
    concurrent_calls: String(s.default_limits.concurrent_calls), call_seconds: String(s.default_limits.call_seconds), daily_spend: s.default_limits.daily_spend,
    deny_prefixes: [...s.default_limits.deny_prefixes], allow_prefixes: [...s.default_limits.allow_prefixes],
    webhook_allow_private: s.webhook_allow_private,
  }
}

/** What is sent: the stored settings with the draft over them. */
export function settingsOf(d: Draft, stored: Settings): Settings {
  return {
    ...stored,
    currency: d.currency, timezone: d.timezone, low_balance_threshold: d.low_balance_threshold.trim(),
    unrated_calls: d.unrated_calls, unknown_extension: d.unknown_extension,
    insufficient_funds_code: d.insufficient_funds_code, limit_code: d.limit_code,
    ring_timeout: Number(d.ring_timeout), max_call_seconds: Number(d.max_call_seconds), keepalive_interval: Number(d.keepalive_interval),
    emergency_numbers: d.emergency_numbers, emergency_trunks: d.emergency_trunks,
    default_limits: {
      concurrent_calls: Number(d.concurrent_calls), call_seconds: Number(d.call_seconds), daily_spend: d.daily_spend.trim(),
      deny_prefixes: d.deny_prefixes, allow_prefixes: d.allow_prefixes,
    },
    webhook_allow_private: d.webhook_allow_private,
  }
}

/** Fields that differ between two drafts. */
export function differing(a: Draft, b: Draft): (keyof Draft)[] {
  return (Object.keys(a) as (keyof Draft)[]).filter((field) => String(a[field]) !== String(b[field]))
}
