import { BellRing } from 'lucide-react'
import { useState } from 'react'
import { Link } from 'wouter'
import {
  type Appointment,
  type AppointmentType,
  type Clinic,
  type Dentist,
  useSession,
} from '../../chairtime'
import { signInPath } from '../session'
import { Button } from '../ui/parts'
import { WaitDialog } from './WaitDialog'

interface Props {
  clinic: Clinic
  type: AppointmentType
  dentists: Dentist[]
  dentistId: string | null
  patientId: string | null
  moving: Appointment | undefined
}

/** Where nothing suits: to be told when something becomes free. Who cannot be reached signs in first. */
export function Waiting({ moving, ...wish }: Props) {
  const session = useSession()
  const [isAsked, setAsked] = useState(false)
  const isKnown = Boolean(session) && session?.user.is_anonymous !== true
  const words = moving ? 'Tell me when something earlier becomes free' : 'Tell me when something becomes free'
  return (
    <footer className="week-foot">
      <span className="muted small-text">Nothing that suits you?</span>
      {isKnown ? (
        <Button className="small" onClick={() => setAsked(true)}>
          <BellRing size={15} aria-hidden="true" /> {words}
        </Button>
      ) : (
        <Link href={signInPath()} className="btn small">
          <BellRing size={15} aria-hidden="true" /> {words}
        </Link>
      )}
      {isAsked && <WaitDialog {...wish} appointmentId={moving?.id ?? null} onClose={() => setAsked(false)} />}
    </footer>
  )
}
