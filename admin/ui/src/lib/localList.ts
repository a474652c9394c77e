import { computed, ref, type ComputedRef } from 'vue'
import type { Listing } from './list'
import { useUrlState, type Filters } from './urlState'

/**
 * A list that the page holds already, such as the calls that are up: filters and page are in the address as with
 * useList(), the rest happens here.
 * @param all every row, in order
 * @param keep whether a row passes the filters
 * @param ready whether the rows are known yet
 */
export function useLocalList<T, F extends Filters>(all: ComputedRef<T[]>, keep: (row: T, filters: F) => boolean, defaults: F, ready: ComputedRef<boolean>, perPage = 50): Listing<T, F> {
  const [state, change] = useUrlState({ ...defaults, page: '1', per_page: String(perPage) } as F & { page: string; per_page: string })
  const filters = computed(() => state.value as F)
  const found = computed(() => all.value.filter((row) => keep(row, filters.value)))
  const per = computed(() => Math.min(200, Math.max(1, Number(state.value.per_page) || perPage)))
  const page = computed(() => Math.min(Math.max(1, Number(state.value.page) || 1), Math.max(1, Math.ceil(found.value.length / per.value))))
  type Patch = Partial<F & { page: string; per_page: string }>
  return {
    items: computed(() => found.value.slice((page.value - 1) * per.value, page.value * per.value)),
    total: computed(() => found.value.length),
    loading: computed(() => !ready.value),
    loaded: ready,
    problem: ref(undefined),
    filters,
    page,
    perPage: per,
    sort: computed(() => ''),
    filtered: computed(() => Object.entries(defaults).some(([name, value]) => state.value[name] !== value)),
    set: (patch, replace) => change({ ...patch, page: '1' } as Patch, replace),
    clear: () => change({ ...defaults, page: '1' } as unknown as Patch),
    goTo: (n) => change({ page: String(n) } as Patch),
    setPerPage: (n) => change({ per_page: String(n), page: '1' } as Patch),
    setSort: () => undefined,
    reload: async () => undefined,
    place: () => undefined,
  }
}
