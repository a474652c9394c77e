// What operators changed through the API (GET /audit-log).
import type { ListQuery, Page } from '../lib/list'
import { api, ask, type Schemas } from './client'

export type AuditRecord = Schemas['AuditRecord']

export function auditLog(page: ListQuery, f: { from: string; to: string; q: string }): Promise<Page<AuditRecord>> {
  return ask(api.GET('/api/v1/audit-log', { params: { query: { ...page, sort: page.sort as 'at' | '-at', from: f.from || undefined, to: f.to || undefined, q: f.q || undefined } } }))
}
