import type { AppointmentType, Clinic, Dentist } from '../../chairtime'
import { useJoinWaitlist } from '../../chairtime'
import { useFreshMe } from '../data'
import { today } from '../format'
import { Dialog } from '../ui/Dialog'
import { FormError } from '../ui/fields'
import { Button } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { WishFields } from '../waiting/WishFields'
import { wishIn } from '../waiting/words'

interface Props {
  clinic: Clinic
  type: Pick<AppointmentType, 'id' | 'name'>
  dentists: Dentist[]
  dentistId: string | null
  /** For whom; null: for oneself. */
  patientId: string | null
  /** The visit to move to an earlier time; null: one waits for a visit. */
  appointmentId: string | null
  onClose(): void
}

const names = ['from_time', 'to_time', 'from_date', 'to_date']

/** Asks what somebody would take, and puts them on the waiting list. */
export function WaitDialog(props: Props) {
  const { clinic, type, dentists, dentistId, patientId, appointmentId, onClose } = props
  const join = useJoinWaitlist()
  const freshMe = useFreshMe()
  const say = useToast()
  const send = (form: FormData) =>
    join.mutate(
      {
        appointment_type_id: type.id,
        ...wishIn(form),
        ...(patientId ? { patient_id: patientId } : {}),
        ...(appointmentId ? { appointment_id: appointmentId } : {}),
      },
      {
        onSuccess: () => {
          say('You are on the waiting list. We tell you when something becomes free.')
          // Who was no patient here is one now.
          void freshMe()
          onClose()
        },
      },
    )
  return (
    <Dialog title={appointmentId ? 'Wait for something earlier' : `Wait for: ${type.name}`} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          send(new FormData(event.currentTarget))
        }}
      >
        <p className="muted">
          {appointmentId
            ? 'When an earlier time becomes free, it is held for you. Your appointment stays until you accept.'
            : 'When a time becomes free that suits you, it is held for you, and you say whether you want it.'}
        </p>
        <WishFields
          dentists={dentists}
          dentistId={dentistId}
          firstDay={today(clinic.time_zone)}
          error={join.error}
        />
        <FormError error={join.error} names={names} />
        <div className="actions">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          <Button type="submit" className="primary" busy={join.isPending}>
            Put me on the list
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
