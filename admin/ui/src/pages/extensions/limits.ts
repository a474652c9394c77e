import type { Schemas } from '../../api/client'
import { amountMistake, wholeMistake } from '../../lib/mistakes'
import { i18n } from '../../i18n'

export type LimitName = 'concurrent_calls' | 'call_seconds' | 'daily_spend' | 'deny_prefixes' | 'allow_prefixes'
export const limitNames: LimitName[] = ['concurrent_calls', 'call_seconds', 'daily_spend', 'deny_prefixes', 'allow_prefixes']

/** Limits as they are typed: own or inherited, and the text. */
export type WrittenLimits = Record<LimitName, { own: boolean; text: string }>

const isList = (name: LimitName) => name === 'deny_prefixes' || name === 'allow_prefixes'

export function writtenOf(limits?: Schemas['Limits']): WrittenLimits {
  const written = {} as WrittenLimits
  for (const name of limitNames) {
    const value = limits?.[name]
    const empty = isList(name) ? '' : name === 'daily_spend' ? '0.0000' : '0'
    written[name] = { own: value !== null && value !== undefined, text: Array.isArray(value) ? value.join(' ') : String(value ?? empty) }
  }
  return written
}

/** What is sent: null inherits. */
export function limitsOf(written: WrittenLimits): Schemas['Limits'] {
  const whole = (name: LimitName) => (written[name].own ? Number(written[name].text) : null)
  const prefixes = (name: LimitName) => (written[name].own ? written[name].text.split(/[\s,;]+/).filter(Boolean) : null)
  return {
    concurrent_calls: whole('concurrent_calls'),
    call_seconds: whole('call_seconds'),
    daily_spend: written.daily_spend.own ? written.daily_spend.text.trim() : null,
    deny_prefixes: prefixes('deny_prefixes'),
    allow_prefixes: prefixes('allow_prefixes'),
  }
}

export function limitsMistakes(written: WrittenLimits, name: LimitName): string {
  const { own, text } = written[name]
  if (!own) return ''
  if (name === 'daily_spend') return amountMistake(text, 'not-negative')
  if (isList(name)) return /^[\s,;0-9+*#]*$/.test(text) ? '' : i18n.global.t('extensions.limits.prefixHint')
  return wholeMistake(text, 0, name === 'call_seconds' ? 86400 * 7 : 100_000)
}

/** The limits that are an extension's own, in a line. */
export function limitsInWords(written: WrittenLimits, sign: string): string {
  const { t } = i18n.global
  const own = limitNames.filter((name) => written[name].own)
  return own.map((name) => `${t(`extensions.limits.${name}`, { sign })} ${written[name].text}`).join(', ') || t('extensions.limits.inherit')
}
