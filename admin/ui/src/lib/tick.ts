import { onBeforeUnmount, onMounted, ref, type Ref } from 'vue'
import { serverNow } from '../api/live'

/** The server's time in milliseconds, moving on every second while the page is open: countdowns read it. */
export function useTick(every = 1000): Readonly<Ref<number>> {
  const now = ref(serverNow())
  let timer: ReturnType<typeof setInterval> | undefined
  const step = () => (now.value = serverNow())
  onMounted(() => (timer = setInterval(step, every)))
  onBeforeUnmount(() => clearInterval(timer))
  return now
}
