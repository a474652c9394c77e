import { computed, reactive, ref, shallowRef, watch, onBeforeUnmount, type ComputedRef, type Ref } from 'vue'
import { asProblem, type Problem } from '../api/problem'
import { useUrlState, type Filters } from './urlState'

export interface Page<T> {
  items: T[]
  total: number
}

export interface ListQuery {
  page: number
  per_page: number
  sort?: string
}

/** A list of a page: what DataList.vue shows. */
export interface Listing<T, F extends Filters = Filters> {
  items: Ref<T[]>
  total: Ref<number>
  loading: Ref<boolean>
  loaded: Ref<boolean> // something was shown at least once
  problem: Ref<Problem | undefined>
  filters: ComputedRef<F>
  page: ComputedRef<number>
  perPage: ComputedRef<number>
  sort: ComputedRef<string>
  filtered: ComputedRef<boolean> // any filter differs from its default
  set: (patch: Partial<F>, replace?: boolean) => void // changes filters and goes to page 1
  clear: () => void
  goTo: (page: number) => void
  setPerPage: (n: number) => void
  setSort: (sort: string) => void
  reload: (quiet?: boolean) => Promise<void> // quiet: rows are not dimmed meanwhile
  place: (same: (row: T) => boolean, row: T, stored: boolean) => void // shows another version of a row; stored: as the server answered it just now
}

export const perPageChoices = [10, 20, 50, 100, 200]

/**
 * A list whose filters, order and page are in the address. While it loads again the old rows stay; an answer that was
 * overtaken by a newer request is dropped.
 * @param fetch asks the server for one page
 * @param defaults filters and their values when the address says nothing (texts)
 */
export function useList<T, F extends Filters>(fetch: (query: ListQuery, filters: F) => Promise<Page<T>>, defaults: F, sort = '', perPage = 10): Listing<T, F> {
  const [state, change] = useUrlState({ ...defaults, page: '1', per_page: String(perPage), sort } as F & { page: string; per_page: string; sort: string })
  const items = shallowRef<T[]>([])
  const total = ref(0)
  const loading = ref(false)
  const loaded = ref(false)
  const problem = shallowRef<Problem>()
  let newest = 0
  let asking = 0
  let gone = false

  const whole = (text: string, most: number, fallback: number) => {
    const n = Number(text)
    return Number.isInteger(n) && n >= 1 && n <= most ? n : fallback
  }
  const page = computed(() => whole(state.value.page, 1_000_000, 1))
  const per = computed(() => whole(state.value.per_page, 200, perPage))

  async function reload(quiet = false) {
    const mine = ++newest
    asking++
    if (!quiet) loading.value = true
    try {
      const answer = await fetch({ page: page.value, per_page: per.value, sort: state.value.sort || undefined }, state.value)
      if (mine !== newest || gone) return
      items.value = answer.items
      total.value = answer.total
      problem.value = undefined
      loaded.value = true
    } catch (thrown) {
      if (mine === newest && !gone) problem.value = asProblem(thrown)
    } finally {
      asking--
      if (mine === newest) loading.value = false
    }
  }
  /** A list that is still on its way may be older than a row that was stored: it is dropped, and asked for again. */
  function place(same: (row: T) => boolean, row: T, stored: boolean) {
    items.value = items.value.map((old) => (same(old) ? row : old))
    if (stored && asking > 0) void reload(true)
  }
  onBeforeUnmount(() => (gone = true))
  watch(() => JSON.stringify(state.value), () => void reload(), { immediate: true })

  type Patch = Partial<F & { page: string; per_page: string; sort: string }>
  return {
    items, total, loading, loaded, problem, page, perPage: per, reload, place,
    filters: computed(() => state.value as F),
    sort: computed(() => state.value.sort),
    filtered: computed(() => Object.entries(defaults).some(([name, value]) => state.value[name] !== value)),
    set: (patch, replace) => change({ ...patch, page: '1' } as Patch, replace),
    clear: () => change({ ...defaults, page: '1' } as unknown as Patch),
    goTo: (n) => change({ page: String(n) } as Patch),
    setPerPage: (n) => change({ per_page: String(n), page: '1' } as Patch),
    setSort: (s) => change({ sort: s, page: '1' } as Patch),
  }
}

/** Rows that are selected, across pages, with what was known of them when they were. */
export class Selection<T> {
  private readonly rows = reactive(new Map<string, { row: T; page: number }>()) as Map<string, { row: T; page: number }>
  private last = ''

  has(key: string): boolean {
    return this.rows.has(key)
  }
  get size(): number {
    return this.rows.size
  }
  get pages(): number {
    return new Set([...this.rows.values()].map((r) => r.page)).size
  }
  get items(): T[] {
    return [...this.rows.values()].map((r) => r.row)
  }
  get keys(): string[] {
    return [...this.rows.keys()]
  }
  clear() {
    this.rows.clear()
  }
  /** Selects or drops one row; with shift, all rows from the one before. */
  toggle(shown: T[], key: (row: T) => string, index: number, page: number, shift: boolean) {
    const row = shown[index]!
    const on = !this.rows.has(key(row))
    const from = shift ? shown.findIndex((r) => key(r) === this.last) : -1
    const [a, b] = from < 0 ? [index, index] : [Math.min(from, index), Math.max(from, index)]
    for (const r of shown.slice(a, b + 1)) this.set(r, key(r), page, on)
    this.last = key(row)
  }
  set(row: T, key: string, page: number, on: boolean) {
    if (on) this.rows.set(key, { row, page })
    else this.rows.delete(key)
  }
  /** Takes over what is newer: rows of a page that was loaded again. */
  refresh(shown: T[], key: (row: T) => string) {
    for (const row of shown) {
      const old = this.rows.get(key(row))
      if (old) this.rows.set(key(row), { row, page: old.page })
    }
  }
}
