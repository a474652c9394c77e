import { nextTick, reactive, ref, shallowRef } from 'vue'
import { asProblem, type Problem } from '../api/problem'
import { serverWords } from '../i18n'

/** Rules of a form: a field's name, and what is wrong with it now ("" for nothing). */
export type Rules = Record<string, () => string>

/**
 * What a dialog keeps of its mistakes. A field is checked when it is left, and from its first mistake on at every key;
 * what the server finds wrong stands at the same fields (body.amount -> amount), the rest in `problem`.
 */
export function useForm(rules: Rules = {}) {
  const errors = reactive<Record<string, string>>({})
  const problem = shallowRef<Problem>()
  const busy = ref(false)

  function check(field: string) {
    errors[field] = rules[field]?.() ?? ''
  }
  /** To call while typing: a mistake that is shown goes as soon as it is mended. */
  function recheck(field: string) {
    if (errors[field]) check(field)
  }
  function valid(): boolean {
    for (const field of Object.keys(rules)) check(field)
    return !Object.values(errors).some(Boolean)
  }
  function clear() {
    for (const field of Object.keys(errors)) delete errors[field]
    problem.value = undefined
  }
  async function focusFirst(root?: HTMLElement | null) {
    await nextTick()
    const field = (root ?? document).querySelector<HTMLElement>('.field.wrong :is(input, textarea, select, [tabindex="0"])')
    field?.focus()
  }
  /** Shows what the server said: at the fields where it can, else in `problem`. @param known fields that the form shows */
  function refuse(thrown: unknown, known: string[] = Object.keys(rules)) {
    const p = asProblem(thrown)
    const left = []
    for (const fault of p.errors) {
      const field = fault.location.replace(/^(body|query|header)\./, '').replace(/^set\./, '')
      const at = known.find((k) => field === k || field.startsWith(k + '[') || field.startsWith(k + '.'))
      if (at) errors[at] = serverWords(fault.message)
      else left.push(fault)
    }
    problem.value = p.errors.length > 0 && left.length === 0 ? undefined : p
    void focusFirst()
  }
  /**
   * Checks, sends once (a second click while it runs does nothing), and shows what went wrong.
   * @returns whether it was sent and taken
   */
  async function send(job: () => Promise<void>, known?: string[]): Promise<boolean> {
    if (busy.value) return false
    problem.value = undefined
    if (!valid()) {
      void focusFirst()
      return false
    }
    busy.value = true
    try {
      await job()
      return true
    } catch (thrown) {
      refuse(thrown, known)
      return false
    } finally {
      busy.value = false
    }
  }
  return { errors, problem, busy, check, recheck, valid, clear, refuse, send, focusFirst }
}
