import { readFileSync } from 'node:fs'
import react from '@vitejs/plugin-react'
import { defineConfig } from 'vitest/config'

const gateway = process.env['CHAIRTIME_GATEWAY'] ?? 'http://127.0.0.1:54321'
const backend = { target: gateway, changeOrigin: true }

// The one place where the version is written.
const project = readFileSync(new URL('../pyproject.toml', import.meta.url), 'utf8')
const version = /^version = "(.+)"$/m.exec(project)?.[1]

export default defineConfig({
  define: { 'import.meta.env.VITE_CHAIRTIME_VERSION': JSON.stringify(version) },
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
    // What several pages use comes at once, not in a dozen crumbs that cost a request each.
    rolldownOptions: {
      output: { codeSplitting: { groups: [{ name: 'shared', minShareCount: 2 }] } },
    },
  },
  test: { environment: 'happy-dom', include: ['src/**/*.test.{ts,tsx}'] },
})
