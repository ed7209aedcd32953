import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import {
  type AppointmentType,
  type Clinic,
  type Dentist,
  type DentistType,
  intervalMs,
  useChairtime,
} from '../../../chairtime'
import { useAppointmentTypes, useDentists, useDentistTypes } from '../../data'
import { duration } from '../../format'
import { professionNames } from '../../words'
import { Avatar, Button, ErrorNotice, Skeleton } from '../../ui/parts'
import { useUndo } from '../../ui/Toasts'

const MINUTE = 60_000

/** Which visits each person leads, and how long they take for them. */
export function WhoDoesWhat({ clinic }: { clinic: Clinic }) {
  const dentists = useDentists(clinic.id)
  const types = useAppointmentTypes(clinic.id)
  const offers = useDentistTypes(clinic.id)
  const error = dentists.error ?? types.error ?? offers.error
  if (!dentists.data || !types.data || !offers.data) {
    return (
      <>
        <ErrorNotice error={error} />
        {!error && <Skeleton height={260} />}
      </>
    )
  }
  return (
    <div className="panels">
      {dentists.data
        .filter(({ is_active }) => is_active)
        .map((dentist) => {
          const own = offers.data.filter(({ dentist_id }) => dentist_id === dentist.id)
          return (
            <Person
              key={`${dentist.id} ${JSON.stringify(own)}`}
              clinic={clinic}
              dentist={dentist}
              types={types.data.filter(({ is_active }) => is_active)}
              offers={own}
            />
          )
        })}
    </div>
  )
}

interface PersonProps {
  clinic: Clinic
  dentist: Dentist
  types: AppointmentType[]
  offers: DentistType[]
}

/** What somebody leads: the type's id, and the minutes they take for it; empty: as the type says. */
type Led = ReadonlyMap<string, string>

function Person({ clinic, dentist, types, offers }: PersonProps) {
  const before: Led = new Map(
    offers.map((offer) => [
      offer.appointment_type_id,
      offer.duration === null ? '' : String(intervalMs(offer.duration) / MINUTE),
    ]),
  )
  const [led, setLed] = useState(before)
  const save = useSaveLed(clinic, dentist, before)
  const isChanged = JSON.stringify([...led].toSorted()) !== JSON.stringify([...before].toSorted())
  const toggle = (id: string, isLed: boolean) => {
    const next = new Map(led)
    if (isLed) next.set(id, before.get(id) ?? '')
    else next.delete(id)
    setLed(next)
  }
  return (
    <form
      className="card panel-card"
      aria-label={`What ${dentist.full_name} does`}
      onSubmit={(event) => {
        event.preventDefault()
        save.mutate(led)
      }}
    >
      <div className="chosen plain">
        <Avatar name={dentist.full_name} />
        <div className="option-text clip">
          <h2 className="clip">{dentist.full_name}</h2>
          <small className="muted">{professionNames[dentist.profession]}</small>
        </div>
      </div>
      <ul className="rows">
        {types.map((type) => (
          <li key={type.id}>
            <label className="grow check-row">
              <input
                type="checkbox"
                checked={led.has(type.id)}
                onChange={(event) => toggle(type.id, event.target.checked)}
              />
              <span className="clip">{type.name}</span>
            </label>
            {led.has(type.id) && (
              <span className="minutes">
                <input
                  className="input small"
                  type="number"
                  min={1}
                  max={720}
                  aria-label={`Minutes that ${dentist.full_name} takes for ${type.name}`}
                  placeholder={String(intervalMs(type.duration) / MINUTE)}
                  value={led.get(type.id)}
                  onChange={(event) => setLed(new Map(led).set(type.id, event.target.value))}
                />
                min
              </span>
            )}
            {!led.has(type.id) && (
              <span className="muted small-text">{duration(intervalMs(type.duration))}</span>
            )}
          </li>
        ))}
      </ul>
      <ErrorNotice error={save.error} />
      <div className="toolbar">
        <Button type="submit" className="primary small" busy={save.isPending} disabled={!isChanged}>
          Save
        </Button>
      </div>
    </form>
  )
}

function useSaveLed(clinic: Clinic, dentist: Dentist, before: Led) {
  const client = useChairtime()
  const queries = useQueryClient()
  const offerUndo = useUndo()
  const send = (led: Led) =>
    client.rpc('set_dentist_types', {
      dentist_id: dentist.id,
      clinic_id: clinic.id,
      appointment_type_ids: [...led.keys()],
      durations: Object.fromEntries(
        [...led].filter(([, minutes]) => minutes !== '').map(([id, minutes]) => [id, `${minutes} minutes`]),
      ),
    })
  const refresh = () => void queries.invalidateQueries({ queryKey: ['dentist types', clinic.id] })
  return useMutation({
    mutationFn: send,
    onSuccess: () =>
      offerUndo(`What ${dentist.full_name} does is saved.`, () => send(before).finally(refresh)),
    onSettled: refresh,
  })
}
