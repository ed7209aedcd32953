/// <reference types="vite/client" />

interface ImportMetaEnv {
  readonly VITE_CHAIRTIME_VERSION: string
  readonly VITE_SUPABASE_URL?: string
  readonly VITE_SUPABASE_PUBLISHABLE_KEY?: string
  readonly VITE_SUPABASE_READ_URL?: string
}
