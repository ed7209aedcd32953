import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const gateway = process.env['CHAIRTIME_GATEWAY'] ?? 'http://127.0.0.1:54321'
const backend = { target: gateway, changeOrigin: true }

export default defineConfig({
  plugins: [react()],
  server: {
    // In development the app is served by Vite, and everything the gateway answers is passed on to it.
    proxy: {
      '/rest/v1': backend,
      '/auth/v1': backend,
      '/realtime/v1': { ...backend, ws: true },
      '/config.json': backend,
    },
  },
  build: {
    // Nothing is inlined: the content security policy allows neither data: fonts nor inline scripts.
    assetsInlineLimit: 0,
    // The palette is made of light-dark(), which these browsers understand as it stands.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 600,
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
})
