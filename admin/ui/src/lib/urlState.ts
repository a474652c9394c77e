import { computed, type ComputedRef } from 'vue'
import { useRoute, useRouter, type LocationQueryRaw } from 'vue-router'
import { leaving } from './leaving'

export type Filters = Record<string, string>

/**
 * Filters that live in the address, so that reload, the back button and a sent link show the same. Values are texts;
 * those equal to their default are left out of the address.
 * @returns what is set now, and a function that changes some of it (a new history entry, unless replace).
 */
export function useUrlState<F extends Filters>(defaults: F): [ComputedRef<F>, (patch: Partial<F>, replace?: boolean) => void] {
  const route = useRoute()
  const router = useRouter()
  const state = computed(() => read(defaults, route.query))
  const change = (patch: Partial<F>, replace = false) => {
    if (leaving(route.path)) return // what is still typed or clicked here does not keep anybody
    const query = write(defaults, { ...state.value, ...patch }, route.query)
    void (replace ? router.replace({ query }) : router.push({ query }))
  }
  return [state, change]
}

/** Filters out of a query; defaults where it says nothing. */
export function read<F extends Filters>(defaults: F, query: Record<string, unknown>): F {
  const found: Filters = {}
  for (const [name, fallback] of Object.entries(defaults)) {
    const value = query[name]
    found[name] = typeof value === 'string' ? value : fallback
  }
  return found as F
}

/** A query with these filters; parts of the query that are no filters stay. */
export function write<F extends Filters>(defaults: F, filters: F, query: LocationQueryRaw): LocationQueryRaw {
  const next: LocationQueryRaw = { ...query }
  for (const [name, fallback] of Object.entries(defaults)) {
    if (filters[name] === fallback) delete next[name]
    else next[name] = filters[name]
  }
  return next
}
