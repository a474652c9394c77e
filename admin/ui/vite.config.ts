import vue from '@vitejs/plugin-vue'
import { ElementPlusResolver } from 'unplugin-vue-components/resolvers'
import components from 'unplugin-vue-components/vite'
import { defineConfig } from 'vite'

// What is built is committed and embedded into the binary (ui.go). It must run under a Content-Security-Policy without
// unsafe-inline: nothing is inlined, no polyfill script, no source maps. Equal sources give equal bytes.
export default defineConfig({
  plugins: [vue(), components({ dts: false, dirs: [], resolvers: [ElementPlusResolver({ importStyle: 'css' })] })],
  define: {
    __VUE_I18N_FULL_INSTALL__: false,
    __VUE_I18N_LEGACY_API__: false,
    __INTLIFY_PROD_DEVTOOLS__: false,
    __INTLIFY_DROP_MESSAGE_COMPILER__: false,
  },
  build: {
    target: 'es2022',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: { fileName: 'licenses.md' },
    chunkSizeWarningLimit: 900,
  },
  server: { proxy: { '/api': { target: process.env.TOLLGATE_URL ?? 'http://127.0.0.1:8080', changeOrigin: false } } },
})
