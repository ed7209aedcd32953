// The real supabase-js, driven line by line: JSON commands on stdin, JSON observations on stdout.

import { createInterface } from 'node:readline'
import { createClient } from '@supabase/supabase-js'

const say = (what) => process.stdout.write(JSON.stringify(what) + '\n')
const now = () => performance.timeOrigin + performance.now()
const channels = new Map()
let supabase
let accessToken

const commands = {
  connect({ url, key }) {
    supabase = createClient(url, key, {
      accessToken: async () => accessToken ?? key,
      realtime: { timeout: 60_000 },
    })
  },
  async authorize({ token }) {
    accessToken = token
    await supabase.realtime.setAuth()
  },
  join({ topic, config }) {
    const channel = supabase.channel(topic, { config })
    channels.set(topic, channel)
    channel.on('broadcast', { event: '*' }, ({ event, payload, meta }) => {
      const binary = payload instanceof ArrayBuffer
      const content = binary ? Buffer.from(payload).toString('base64') : payload
      say({ type: 'broadcast', topic, event, payload: content, binary, meta: meta ?? null, at: now() })
    })
    channel.on('system', {}, (payload) => say({ type: 'system', topic, ...payload }))
    if (config.presence?.enabled) {
      channel.on('presence', { event: 'sync' }, () => {
        say({ type: 'presence', topic, state: channel.presenceState() })
      })
    }
    channel.subscribe((status, error) => {
      say({ type: 'status', topic, status, error: error ? String(error.message ?? error) : null })
    })
  },
  async send({ topic, event, payload }) {
    say({ type: 'sent', topic, answer: await channels.get(topic).send({ type: 'broadcast', event, payload }) })
  },
  async send_bytes({ topic, event, base64 }) {
    const bytes = Uint8Array.from(Buffer.from(base64, 'base64')).buffer
    await channels.get(topic).send({ type: 'broadcast', event, payload: bytes })
  },
  async post({ topic, event, payload }) {
    await channels.get(topic).httpSend(event, payload)
  },
  async track({ topic, payload }) {
    say({ type: 'tracked', topic, answer: await channels.get(topic).track(payload) })
  },
  async untrack({ topic }) {
    await channels.get(topic).untrack()
  },
  async leave({ topic }) {
    await supabase.removeChannel(channels.get(topic))
  },
  beat() {
    supabase.realtime.onHeartbeat((status) => say({ type: 'heartbeat', status }))
    supabase.realtime.sendHeartbeat()
  },
  close() {
    process.exit(0)
  },
}

for await (const line of createInterface({ input: process.stdin })) {
  const { command, ...rest } = JSON.parse(line)
  try {
    await commands[command](rest)
    say({ type: 'done', command })
  } catch (error) {
    say({ type: 'failed', command, error: String(error) })
  }
}
