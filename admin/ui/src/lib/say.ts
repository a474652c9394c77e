import { ElMessage } from 'element-plus/es/components/message/index'
import 'element-plus/es/components/message/style/css'
import { asProblem } from '../api/problem'
import { i18n, serverWords } from '../i18n'

/** A problem in a sentence of the user's language, with the server's own words where they say more. */
export function words(thrown: unknown): string {
  const p = asProblem(thrown)
  const { t, te, locale } = i18n.global
  const key = `problem.${p.type}`
  const known = te(key, 'en') ? t(key, { n: p.retryAfter || 1 }) : p.title
  const detailSaysMore = ['conflict', 'insufficient-funds', 'not-found', 'validation', 'forbidden', 'license-expired', 'precondition-failed'].includes(p.type) || !known
  if (!p.detail || !detailSaysMore) return known
  if (locale.value === 'en') return p.type === 'validation' ? `${known} (${p.detail})` : p.detail
  return `${known}（${serverWords(p.detail)}）`
}

export const say = {
  /** Something went well; gone by itself. */
  ok(text: string) {
    ElMessage({ message: text, type: 'success', duration: 5000, grouping: true })
  },
  /** Something did not; stays longer, can be closed. */
  failed(thrown: unknown) {
    if (asProblem(thrown).type === 'unauthenticated') return
    ElMessage({ message: words(thrown), type: 'error', duration: 8000, showClose: true, grouping: true })
  },
}
