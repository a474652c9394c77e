import { onScopeDispose } from 'vue'

/**
 * A job that follows what happens: it runs a moment after the first of several occasions, however many come, and never
 * twice at a time; an occasion that comes while it runs lets it run once more, so nothing is missed. Ends with the component.
 * @param pause milliseconds from an occasion to the run
 * @returns what to call on each occasion
 */
export function useSoon(job: () => Promise<void>, pause: number): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined
  let running = false
  let missed = false
  let gone = false

  async function run() {
    timer = undefined
    running = true
    try {
      await job()
    } finally {
      running = false
      if (missed) occasion()
    }
  }
  function occasion() {
    missed = running
    if (running || gone) return
    timer ??= setTimeout(() => void run(), pause)
  }
  onScopeDispose(() => {
    gone = true
    clearTimeout(timer)
  })
  return occasion
}
