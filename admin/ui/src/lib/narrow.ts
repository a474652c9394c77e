import { ref, type Ref } from 'vue'

const query = window.matchMedia('(max-width: 759px)')
const narrow = ref(query.matches)
query.addEventListener('change', (event) => (narrow.value = event.matches))

/** Whether the window is a phone's: cards in place of tables. */
export function useNarrow(): Readonly<Ref<boolean>> {
  return narrow
}
