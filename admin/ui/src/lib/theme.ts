import { ref, watch } from 'vue'

export type Theme = 'system' | 'light' | 'dark'
const remembered = 'tollgate.theme'
const system = window.matchMedia('(prefers-color-scheme: dark)')
const stored = localStorage.getItem(remembered)

/** What the user chose. */
export const theme = ref<Theme>(stored === 'light' || stored === 'dark' ? stored : 'system')
/** What is shown; charts draw with other colours. */
export const dark = ref(false)

function apply() {
  dark.value = theme.value === 'dark' || (theme.value === 'system' && system.matches)
  document.documentElement.classList.toggle('dark', dark.value)
  document.documentElement.style.colorScheme = dark.value ? 'dark' : 'light'
}

/** Follows the choice and the system from now on. */
export function followTheme() {
  watch(theme, (chosen) => {
    localStorage.setItem(remembered, chosen)
    apply()
  })
  system.addEventListener('change', apply)
  apply()
}
