import { onBeforeUnmount, onMounted } from 'vue'

/** Keys of a page: '/', 'n', 'r', '?' … They do nothing while somebody types, with a dialog open, or with Ctrl, Alt or Meta. */
export function useKeys(actions: Record<string, () => void>) {
  function onKey(event: KeyboardEvent) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.defaultPrevented) return
    const target = event.target as HTMLElement
    if (target.closest('input:not([type=checkbox]), textarea, select, [contenteditable], [role=combobox], [role=dialog]')) return
    if ([...document.querySelectorAll('.el-overlay')].some((overlay) => getComputedStyle(overlay).display !== 'none')) return
    const action = actions[event.key]
    if (!action) return
    event.preventDefault()
    action()
  }
  onMounted(() => document.addEventListener('keydown', onKey))
  onBeforeUnmount(() => document.removeEventListener('keydown', onKey))
}

/** Goes from a search field into the list: to the first row's check box, or what else can be pressed there. */
export function focusFirstRow() {
  document.querySelector<HTMLElement>('main [data-row] :is(input, a, button)')?.focus()
}

/** Up and down in a column of check boxes. */
export function stepRows(event: KeyboardEvent) {
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
  if (!step || !(event.target as HTMLElement).matches('.pick input')) return
  const boxes = [...(event.currentTarget as HTMLElement).querySelectorAll<HTMLElement>('.pick input')]
  event.preventDefault()
  boxes[boxes.indexOf(event.target as HTMLElement) + step]?.focus()
}

/** Puts the cursor into the page's search field. */
export function focusSearch() {
  const field = document.querySelector<HTMLInputElement>('main [data-search] input, main input[data-search]')
  field?.focus()
  field?.select()
}
