import { Search } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useLocation } from 'wouter'
import { Dialog } from '../../ui/Dialog'
import type { DeskProps } from '../Desk'
import { Finder } from './Finder'
import { NewPatient } from './NewPatient'

const isApple = /Mac|iP(hone|ad)/.test(navigator.userAgent)

/** The way to any patient, from wherever one is: a button, and Ctrl-K (on Apple's keyboards Cmd-K). */
export function PatientSearch({ clinic, membership }: DeskProps) {
  const [shown, setShown] = useState<'finder' | 'new' | null>(null)
  const [name, setName] = useState('')
  const [, navigate] = useLocation()
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return
      if (event.key.toLowerCase() !== 'k') return
      event.preventDefault()
      setShown((before) => before ?? 'finder')
    }
    addEventListener('keydown', onKey)
    return () => removeEventListener('keydown', onKey)
  }, [])
  const isDentist = membership.role === 'dentist'
  const onNew = (typed: string) => {
    setName(typed)
    setShown('new')
  }
  const close = () => setShown(null)
  const open = (patientId: string) => {
    close()
    navigate(`/desk/${clinic.slug}/patients/${patientId}`)
  }
  return (
    <>
      <button
        type="button"
        className="find"
        aria-keyshortcuts="Control+K Meta+K"
        onClick={() => setShown('finder')}
      >
        <Search size={17} aria-hidden="true" />
        <span>Find a patient</span>
        <kbd aria-hidden="true">{isApple ? '⌘ K' : 'Ctrl K'}</kbd>
      </button>
      {shown === 'finder' && (
        <Dialog title="Find a patient" onClose={close} wide>
          <Finder
            clinic={clinic}
            dentistId={isDentist ? membership.dentist_id : null}
            onPick={(patient) => open(patient.id)}
            // A dentist sees whom they have a visit with: they register somebody while booking one.
            {...(isDentist ? {} : { onNew })}
          />
        </Dialog>
      )}
      {shown === 'new' && <NewPatient clinic={clinic} name={name} onClose={close} onKnown={open} />}
    </>
  )
}
