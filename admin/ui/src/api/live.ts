import { computed, reactive, ref } from 'vue'
import { api, ask, type Schemas } from './client'

export type ActiveCall = Schemas['ActiveCall']

/** off: nobody asked for it. reconnecting: what is shown may be old. */
export const liveState = ref<'off' | 'live' | 'reconnecting'>('off')
const calls = reactive(new Map<string, ActiveCall>())
let skew = 0 // milliseconds that the server's clock is ahead of ours

/** The calls that ring or talk now, oldest first: rows keep their place. */
export const activeCalls = computed(() => [...calls.values()].sort((a, b) => a.started_at.localeCompare(b.started_at) || a.id.localeCompare(b.id)))

/** Now, by the server's clock: countdowns do not depend on the visitor's. Milliseconds. */
export function serverNow(): number {
  return Date.now() + skew
}

const address = '/api/v1/active-calls/events'
const pollEvery = 3000
const longestPause = 15_000
let stream: EventSource | undefined
let timer: ReturnType<typeof setTimeout> | undefined
let failures = 0
let wanted = false
let turn = 0 // what was asked for before the last stop counts no more

interface Snapshot {
  server_time?: string
  calls?: ActiveCall[]
  items?: ActiveCall[]
}

function takeSnapshot(s: Snapshot) {
  if (s.server_time) skew = new Date(s.server_time).getTime() - Date.now()
  const now = s.calls ?? s.items ?? []
  const ids = new Set(now.map((c) => c.id))
  for (const id of calls.keys()) if (!ids.has(id)) calls.delete(id)
  for (const c of now) calls.set(c.id, c)
  liveState.value = 'live'
}

function listen() {
  const source = new EventSource(address)
  stream = source
  const on = <T>(name: string, take: (data: T) => void) =>
    source.addEventListener(name, (event) => {
      failures = 0
      take(JSON.parse((event as MessageEvent<string>).data) as T)
    })
  on<Snapshot>('snapshot', takeSnapshot)
  on<ActiveCall>('started', (c) => calls.set(c.id, c))
  on<ActiveCall>('updated', (c) => calls.set(c.id, c))
  on<{ id: string }>('ended', (c) => calls.delete(c.id))
  source.onerror = () => {
    liveState.value = 'reconnecting'
    source.close()
    failures++
    again()
  }
}

/** After a stream that broke: asks once for the list, so that a proxy that swallows streams still shows calls, and listens again. */
function again() {
  clearTimeout(timer)
  const mine = turn
  timer = setTimeout(async () => {
    if (!wanted || document.hidden) return
    try {
      const list = await ask(api.GET('/api/v1/active-calls', { params: { query: { per_page: 200 } } }))
      if (mine !== turn) return
      takeSnapshot(list)
      if (failures > 1) liveState.value = 'reconnecting'
    } catch {
      failures++
    }
    if (mine === turn) listen()
  }, Math.min(longestPause, failures < 2 ? 500 : pollEvery * failures))
}

function stop() {
  turn++
  stream?.close()
  stream = undefined
  clearTimeout(timer)
}

/** Follows the calls while somebody is signed in; a hidden tab does not hold a connection. */
export function follow() {
  if (wanted) return
  wanted = true
  listen()
}

export function unfollow() {
  wanted = false
  stop()
  calls.clear()
  liveState.value = 'off'
}

document.addEventListener('visibilitychange', () => {
  if (!wanted) return
  stop()
  if (!document.hidden) listen()
})
