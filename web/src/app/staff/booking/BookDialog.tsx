import { useState } from 'react'
import { type AppointmentType, type Clinic, type Dentist, intervalMs } from '../../../chairtime'
import { leadersOf, useAppointmentTypes, useDentists, useDentistTypes } from '../../data'
import { dayOf, duration, nearTime } from '../../format'
import { Dialog } from '../../ui/Dialog'
import { Button, ErrorNotice, Notice } from '../../ui/parts'
import { type KnownPatient, PatientPicker, type Who } from '../PatientPicker'
import { MaybeKnown } from '../patients/register'
import { Similar } from '../patients/Similar'
import { Alternatives } from './Alternatives'
import { useBook } from './useBook'
import { Refused } from './Refused'
import { Series } from './Series'
import { type Choice, useChoice } from './useChoice'
import { When } from './When'

/** What is known when the dialog opens: a click on the board knows who and when, the buttons only the day, or that it is now. */
export interface BookDraft {
  day: string
  dentistId?: string
  startsAt?: string
  isNow?: boolean
  /** The chair or device whose column was clicked. */
  resourceId?: string
  /** What for, where that is known. */
  typeId?: string
  /** For whom, where that is known. */
  patient?: KnownPatient
}

interface Props {
  clinic: Clinic
  draft: BookDraft
  /** Set for a dentist, who books into their own calendar. */
  dentistId: string | null
  onClose(): void
}

/** What a refusal to be squeezed in for sounds like. */
const SQUEEZABLE = ['slot_taken', 'day_full']

/** Books for a patient of the clinic or for somebody who has just walked in: anybody's next free time, unless one says else. */
export function BookDialog({ clinic, draft, dentistId: ownId, onClose }: Props) {
  const zone = clinic.time_zone
  const [who, setWho] = useState<Who>(draft.patient ? { kind: 'known', patient: draft.patient } : null)
  const [typeId, setTypeId] = useState<string | null>(draft.typeId ?? null)
  const [dentistId, setDentistId] = useState(ownId ?? draft.dentistId ?? null)
  const [day, setDay] = useState(draft.startsAt ? dayOf(draft.startsAt, zone) : draft.day)
  const [choice, setChoice] = useState<Choice>(() => firstChoice(draft))
  const [isSqueezed, setSqueezed] = useState(false)
  const { types, type, leaders, isKnown } = useOffers(clinic.id, typeId, dentistId)
  const chosen = useChoice({ choice, type, dentistId, day, zone })
  const book = useBook(clinic, { who, onKnown: setWho, resourceId: draft.resourceId, onBooked: onClose })
  const { startsAt, verdict } = chosen
  const isInTheWay = verdict !== undefined && SQUEEZABLE.includes(verdict.code ?? '')
  const choose = (next: Choice) => {
    book.reset()
    setSqueezed(false)
    setChoice(next)
  }
  const submit = (form: FormData) => {
    if (!type || !startsAt) return
    const wanted = {
      appointment_type_id: type.id,
      starts_at: startsAt,
      ...(dentistId ? { dentist_id: dentistId } : {}),
      ...(form.get('notes') ? { notes: String(form.get('notes')) } : {}),
      ...(isSqueezed && isInTheWay ? { squeeze_in: true } : {}),
    }
    book.mutate({ wanted })
  }
  return (
    <Dialog title={draft.isNow ? 'Somebody is here' : 'Book an appointment'} onClose={onClose}>
      <form
        className="stack"
        onSubmit={(event) => {
          event.preventDefault()
          submit(new FormData(event.currentTarget))
        }}
      >
        <PatientPicker
          clinic={clinic}
          who={who}
          dentistId={ownId}
          onPick={(next) => {
            // Who may be the same, is asked of the one who was meant.
            if (book.error instanceof MaybeKnown) book.reset()
            setWho(next)
          }}
        />
        <div className="cols">
          <label className="field">
            <span>Visit</span>
            <select
              className="input"
              required
              value={type?.id ?? ''}
              onChange={(event) => setTypeId(event.target.value)}
            >
              {types.map((each) => (
                <option key={each.id} value={each.id}>
                  {each.name}, {duration(intervalMs(each.duration))}
                </option>
              ))}
            </select>
          </label>
          <label className="field">
            <span>With</span>
            <select
              className="input"
              value={dentistId ?? ''}
              disabled={ownId !== null}
              onChange={(event) => setDentistId(event.target.value || null)}
            >
              <option value="">Anybody</option>
              {leaders.map(({ id, full_name }) => (
                <option key={id} value={id}>
                  {full_name}
                </option>
              ))}
            </select>
          </label>
        </div>
        {type && (
          <When
            type={type}
            dentistId={dentistId}
            leaderIds={leaders.map(({ id }) => id)}
            zone={zone}
            day={day}
            onDay={setDay}
            choice={choice}
            chosen={chosen}
            onChoose={choose}
          />
        )}
        {isKnown && types.length === 0 && (
          <Notice tone="warn">
            {dentistId ? 'They lead no kind of visit.' : 'Nobody leads any kind of visit.'} An administrator
            says in the settings who does what.
          </Notice>
        )}
        {verdict && !verdict.bookable && (
          <Refused
            message={verdict.message}
            isSqueezed={isSqueezed}
            onSqueeze={isInTheWay ? setSqueezed : null}
          />
        )}
        <label className="field">
          <span>Notes</span>
          <input className="input" name="notes" maxLength={4000} placeholder="Optional" />
        </label>
        {!(book.error instanceof MaybeKnown) && <ErrorNotice error={book.error} />}
        <Similar
          error={book.error}
          zone={zone}
          busy={book.isPending}
          onTake={(patient) => {
            const known: Who = { kind: 'known', patient }
            setWho(known)
            if (book.variables) book.mutate({ ...book.variables, whom: known })
          }}
          onOther={() => book.variables && book.mutate({ ...book.variables, isOther: true })}
        />
        <Alternatives
          error={book.error}
          zone={zone}
          onPick={(slot) => {
            setDay(dayOf(slot.starts_at, zone))
            if (dentistId) setDentistId(slot.dentist_id)
            choose({ how: 'listed', startsAt: slot.starts_at })
          }}
        />
        <Series
          first={
            who?.kind === 'known' && type && startsAt
              ? { patientId: who.patient.id, typeId: type.id, dentistId, startsAt }
              : null
          }
          zone={zone}
          onBooked={onClose}
        />
        <div className="actions stays">
          <Button className="quiet" onClick={onClose}>
            Close
          </Button>
          <Button
            type="submit"
            className="primary"
            busy={book.isPending}
            disabled={!isReady(who) || !startsAt}
          >
            {isSqueezed && isInTheWay ? 'Squeeze in' : 'Book'}
            {startsAt && (
              <span className="num">{choice.how === 'now' ? 'now' : nearTime(startsAt, zone)}</span>
            )}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function firstChoice({ startsAt, isNow }: BookDraft): Choice {
  if (isNow) return { how: 'now' }
  return startsAt ? { how: 'exact', startsAt } : { how: 'next' }
}

/** What can be booked with whom: with somebody named, only what they lead. */
function useOffers(clinicId: string, typeId: string | null, dentistId: string | null) {
  const allTypes = useAppointmentTypes(clinicId).data
  const dentists = useDentists(clinicId).data?.filter(({ is_active }) => is_active)
  const offers = useDentistTypes(clinicId).data
  const leadersFor = (type: AppointmentType | undefined): Dentist[] => leadersOf(dentists, offers, type?.id)
  const offered = allTypes?.filter((type) => type.is_active && leadersFor(type).length > 0) ?? []
  const types = dentistId
    ? offered.filter((type) => leadersFor(type).some(({ id }) => id === dentistId))
    : offered
  const type = types.find(({ id }) => id === typeId) ?? types[0]
  const named = dentists?.filter(({ id }) => id === dentistId) ?? []
  return {
    types,
    type,
    leaders: type ? leadersFor(type) : named,
    isKnown: Boolean(allTypes && dentists && offers),
  }
}

function isReady(who: Who): boolean {
  return who?.kind === 'known' || (who?.kind === 'new' && who.name.trim() !== '')
}
