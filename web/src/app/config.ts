import { type ChairtimeOptions, ChairtimeClient } from '../chairtime'

interface GatewayConfig {
  url: string
  publishable_key: string
  /** Below which name the database is asked itself, where a replica answers what is only read. */
  primary?: string
}

/** Built for a Supabase project, the two variables say where it is; served by the embedded stack, the gateway does. */
export async function connect(): Promise<ChairtimeClient> {
  return new ChairtimeClient(builtIn() ?? (await fromGateway()))
}

function builtIn(): ChairtimeOptions | null {
  const { VITE_SUPABASE_URL: url, VITE_SUPABASE_PUBLISHABLE_KEY: publishableKey } = import.meta.env
  return url && publishableKey
    ? { url, publishableKey, readUrl: import.meta.env.VITE_SUPABASE_READ_URL }
    : null
}

async function fromGateway(): Promise<ChairtimeOptions> {
  const response = await fetch('/config.json')
  if (!response.ok) throw new Error('Neither VITE_SUPABASE_URL nor /config.json says where the backend is.')
  const config = (await response.json()) as GatewayConfig
  // The gateway is this page's own origin, however the visitor reached it.
  const { primary, publishable_key: publishableKey } = config
  if (!primary) return { url: location.origin, publishableKey }
  return { url: `${location.origin}/${primary}`, publishableKey, readUrl: location.origin }
}
