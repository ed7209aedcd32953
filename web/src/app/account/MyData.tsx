import { useMutation } from '@tanstack/react-query'
import { Download, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useLocation } from 'wouter'
import { useChairtime } from '../../chairtime'
import { Dialog } from '../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../ui/parts'
import { useToast } from '../ui/Toasts'

/** What is known of one, as a file; and having it forgotten. */
export function MyData() {
  const client = useChairtime()
  const [isErasing, setErasing] = useState(false)
  const download = useMutation({
    mutationFn: async () => {
      const all = JSON.stringify(await client.rpc('export_me'), null, 2)
      save('chairtime-my-data.json', new Blob([all], { type: 'application/json' }))
    },
  })
  return (
    <section className="card panel-card" aria-labelledby="my-data">
      <h2 id="my-data">My data</h2>
      <p className="muted">
        Everything Chairtime knows of you, and of whom you act for, as a file for you to keep.
      </p>
      <ErrorNotice error={download.error} />
      <div className="toolbar">
        <Button className="small" busy={download.isPending} onClick={() => download.mutate()}>
          <Download size={15} /> Download my data
        </Button>
        <Button className="small quiet danger" onClick={() => setErasing(true)}>
          <Trash2 size={15} /> Delete my account
        </Button>
      </div>
      {isErasing && <EraseDialog onClose={() => setErasing(false)} />}
    </section>
  )
}

const WORD = 'DELETE'

function EraseDialog({ onClose }: { onClose(): void }) {
  const client = useChairtime()
  const say = useToast()
  const [, navigate] = useLocation()
  const [typed, setTyped] = useState('')
  const erase = useMutation({
    mutationFn: () => client.rpc('erase_me'),
    onSuccess: async () => {
      // First away from what is only for who is signed in.
      navigate('/book', { replace: true })
      await client.supabase.auth.signOut({ scope: 'local' })
      say('Your account is deleted.')
    },
  })
  return (
    <Dialog title="Delete your account?" onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          if (typed.trim() === WORD) erase.mutate()
        }}
      >
        <Notice tone="warn">
          Your login, name, contact and notes go, at every clinic; your visits ahead are cancelled. Past
          visits stay with the clinics as numbers without a name. This cannot be undone.
        </Notice>
        <label className="field">
          <span>Type {WORD} to go on</span>
          <input
            className="input"
            value={typed}
            autoComplete="off"
            spellCheck={false}
            onChange={(event) => setTyped(event.target.value)}
          />
        </label>
        <ErrorNotice error={erase.error} />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Keep my account
          </Button>
          <Button
            type="submit"
            className="danger solid"
            disabled={typed.trim() !== WORD}
            busy={erase.isPending}
          >
            Delete for good
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function save(name: string, content: Blob): void {
  const url = URL.createObjectURL(content)
  const link = Object.assign(document.createElement('a'), { href: url, download: name })
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 1000)
}
