import { onBeforeUnmount, ref, shallowRef, watch, type Ref, type ShallowRef } from 'vue'
import { api, ask } from '../../api/client'
import type { Rate } from './beside'

const perAnswer = 200
const most = 1000 // rates that are compared; shorter prefixes first, so the wider ones are among them

/**
 * The stored rates that may price a number which begins with a prefix; asked again a moment after the prefix changed.
 * @returns them, and how many there are beyond those that were fetched
 */
export function useNeighbours(prefix: () => string): { others: ShallowRef<Rate[]>; beyond: Ref<number> } {
  const others = shallowRef<Rate[]>([])
  const beyond = ref(0)
  let asked = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  async function load(of: string) {
    const mine = ++asked
    const found: Rate[] = []
    try {
      for (let page = 1, total = 1; found.length < Math.min(total, most); page++) {
        const answer = await ask(api.GET('/api/v1/rates', { params: { query: { prefix: of, sort: 'prefix', page, per_page: perAnswer } } }))
        if (mine !== asked) return
        if (answer.items.length === 0) break // deleted meanwhile
        found.push(...answer.items)
        total = answer.total
        beyond.value = Math.max(0, total - found.length)
      }
      others.value = found
    } catch {
      if (mine === asked) others.value = [] // the warnings are a help; the form works without
    }
  }
  watch(prefix, (now, before) => {
    clearTimeout(timer)
    if (!/^\+?[0-9*#]{0,40}$/.test(now)) return
    if (before === undefined) void load(now)
    else timer = setTimeout(() => void load(now), 250)
  }, { immediate: true })
  onBeforeUnmount(() => {
    clearTimeout(timer)
    asked++
  })
  return { others, beyond }
}
