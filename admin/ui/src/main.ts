import 'element-plus/theme-chalk/base.css'
import 'element-plus/theme-chalk/dark/css-vars.css'
import './theme.css'
import { createApp } from 'vue'
import App from './App.vue'
import { firstTongue, i18n, speak } from './i18n'
import { keepSwitchesTrue } from './lib/switches'
import { followTheme } from './lib/theme'
import { router } from './router'

followTheme()
keepSwitchesTrue()
await speak(firstTongue())
createApp(App).use(i18n).use(router).mount('#app')
