import { i18n } from '../i18n'
import { parse } from './money'

/** What is wrong with the text of an amount, in the user's language; "" for nothing. */
export function amountMistake(text: string, must: 'positive' | 'not-negative' | 'any'): string {
  const { t } = i18n.global
  if (text.trim() === '') return t('common.required')
  const amount = parse(text)
  if (amount === undefined) return t('common.money.form')
  if (must === 'positive' && amount <= 0n) return t('common.money.positive')
  if (must === 'not-negative' && amount < 0n) return t('common.money.notNegative')
  return ''
}

/** What is wrong with a whole number; "" for nothing. */
export function wholeMistake(text: string | number | null | undefined, least: number, most: number): string {
  const n = typeof text === 'number' ? text : Number(String(text ?? '').trim() || NaN)
  return Number.isInteger(n) && n >= least && n <= most ? '' : i18n.global.t('common.whole', { least, most })
}

/** What is wrong with the beginning of a number; "" for nothing. */
export function prefixMistake(text: string): string {
  return /^\+?[0-9*#]{0,40}$/.test(text.trim()) ? '' : i18n.global.t('rates.mistake.prefix')
}

/** What is wrong with the length of the numbers that begin with a prefix; 0 is any. */
export function lengthMistake(text: string, prefix: string): string {
  return wholeMistake(text, 0, 40) || (Number(text) > 0 && Number(text) < prefix.trim().length ? i18n.global.t('rates.mistake.number_length') : '')
}
