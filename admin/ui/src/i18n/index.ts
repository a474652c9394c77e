import elementEn from 'element-plus/es/locale/lang/en'
import type { Language } from 'element-plus/es/locale'
import { shallowRef } from 'vue'
import { createI18n } from 'vue-i18n'
import en from './en'

export type Messages = typeof en
export type Tongue = 'en' | 'zh-CN'
export const tongues: { id: Tongue; name: string }[] = [
  { id: 'en', name: 'English' },
  { id: 'zh-CN', name: '中文' },
]

export const i18n = createI18n({ legacy: false, locale: 'en', fallbackLocale: 'en', messages: { en } as Record<string, Messages> })

/** Element Plus' own words, for el-config-provider. */
export const elementLanguage = shallowRef<Language>(elementEn)

const faults = shallowRef<(message: string) => string | undefined>(() => undefined)

/** What the server says of a field, in the visitor's language where it is known, else as it came. */
export function serverWords(message: string): string {
  return (i18n.global.locale.value === 'zh-CN' ? faults.value(message) : undefined) ?? message
}

const remembered = 'tollgate.language'

/** Switches the language without a reload, and remembers it. */
export async function speak(tongue: Tongue): Promise<void> {
  if (tongue === 'zh-CN') {
    const [own, element, known] = await Promise.all([import('./zh-CN'), import('element-plus/es/locale/lang/zh-cn'), import('./zh-CN/faults')])
    faults.value = known.default
    i18n.global.setLocaleMessage('zh-CN', own.default)
    elementLanguage.value = element.default
  } else {
    elementLanguage.value = elementEn
  }
  i18n.global.locale.value = tongue
  document.documentElement.lang = tongue
  localStorage.setItem(remembered, tongue)
}

/** The language chosen before, or else the browser's. */
export function firstTongue(): Tongue {
  const chosen = localStorage.getItem(remembered)
  if (chosen === 'en' || chosen === 'zh-CN') return chosen
  return navigator.language.startsWith('zh') ? 'zh-CN' : 'en'
}
