import { useMutation } from '@tanstack/react-query'
import { Pencil } from 'lucide-react'
import { useState } from 'react'
import { Button, ErrorNotice } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'

interface Props {
  name: string
  note: string
  send(name: string): Promise<unknown>
  onChanged(): void
}

/** A name in a list, and the way to another one. */
export function Rename({ name, note, send, onChanged }: Props) {
  const offerUndo = useUndo()
  const [text, setText] = useState<string | null>(null)
  const rename = useMutation({
    mutationFn: send,
    onSuccess: (_row, next) => {
      setText(null)
      offerUndo(`${name} is now ${next}.`, () => send(name).finally(onChanged))
    },
    onSettled: onChanged,
  })
  if (text === null) {
    return (
      <>
        <div className="grow">
          <strong className="clip">{name}</strong>
          <p className="muted small-text clip">{note}</p>
        </div>
        <Button className="icon small quiet" aria-label={`Rename ${name}`} onClick={() => setText(name)}>
          <Pencil size={15} />
        </Button>
      </>
    )
  }
  return (
    <form
      className="grow stack"
      onSubmit={(event) => {
        event.preventDefault()
        rename.mutate(text)
      }}
    >
      <div className="toolbar">
        <input
          className="input small grow"
          aria-label={`New name of ${name}`}
          required
          maxLength={200}
          autoFocus
          value={text}
          onChange={(event) => setText(event.target.value)}
        />
        <Button type="submit" className="small" busy={rename.isPending}>
          Save
        </Button>
        <Button className="small quiet" onClick={() => setText(null)}>
          Cancel
        </Button>
      </div>
      <ErrorNotice error={rename.error} />
    </form>
  )
}
