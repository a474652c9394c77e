import { useI18n } from 'vue-i18n'
import type { AuditRecord } from '../api/auditLog'
import { sign, zone } from '../session'
import { fieldKey, kindOf, valueKey } from './auditFields'
import { changes } from './changes'
import { stamp } from './time'

/** A change in the words of the pages. */
export interface WordedChange {
  key: string // of the change within its record
  field: string // "Credit($)"; of several objects "extension 101: Credit($)"
  before?: string
  after?: string
}

/** Says records of the audit log in the visitor's language. What has no word is shown as the API calls it. */
export function useAuditWords() {
  const { t, te } = useI18n()

  /** What was done. */
  const done = (r: AuditRecord) => (te(`audit.actions.${r.action}`, 'en') ? t(`audit.actions.${r.action}`) : r.action)

  /** What it was done to, "extension 101". */
  function named(object: string): string {
    const [, kind, name] = /^(dial rule|dead letter|[a-z]+)( .*)?$/.exec(object) ?? []
    return kind && te(`audit.kinds.${kind}`, 'en') ? t(`audit.kinds.${kind}`) + (name ?? '') : object
  }

  function worded(field: string, value: string | undefined): string | undefined {
    if (value === undefined) return undefined
    if (/^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) return stamp(value, zone.value)
    const key = valueKey(field, value)
    return key ? t(key) : value
  }

  /** What it changed. An empty text that was not there before is no change. */
  function changed(r: AuditRecord): WordedChange[] {
    return changes(r.before, r.after).filter((c) => c.before || c.after).map((c) => {
      const key = fieldKey(kindOf(c.object ?? r.object), c.field)
      const field = key ? t(key, { sign: sign.value }) : c.field
      return { key: `${c.object ?? ''} ${c.field}`, field: c.object ? `${named(c.object)}: ${field}` : field, before: worded(c.field, c.before), after: worded(c.field, c.after) }
    })
  }

  return { done, named, changed }
}
