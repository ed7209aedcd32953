import type { ChairtimeClient, FoundPatient, Patient } from '../../../chairtime'
import type { Who } from '../PatientPicker'

/** What the desk takes down of somebody new; what is empty is not known. */
export interface NewPerson {
  full_name: string
  phone: string
  email?: string
  birth_date: string
  staff_notes?: string
}

/** Nobody was registered: these may be the same person. */
export class MaybeKnown extends Error {
  constructor(readonly patients: FoundPatient[]) {
    super('These may be the same person.')
  }
}

/** Registers somebody, unless somebody like them is there already and nobody has said that it is another. */
export async function register(
  client: ChairtimeClient,
  clinic_id: string,
  person: NewPerson,
  isOther: boolean,
): Promise<Patient> {
  const { staff_notes, ...known } = Object.fromEntries(
    Object.entries(person).filter(([, text]) => text.trim() !== ''),
  )
  const asked = { ...known, clinic_id, full_name: person.full_name }
  if (!isOther) {
    const similar = await client.rpc('similar_patients', asked)
    if (similar.length > 0) throw new MaybeKnown(similar)
  }
  return client.rpc('create_patient', { ...asked, ...(staff_notes ? { staff_notes } : {}) })
}

interface Meant {
  isOther: boolean
  /** Somebody new is registered. */
  onKnown(who: Who): void
}

/** The record of whom somebody chose; who is new is registered first. */
export async function recordOf(
  client: ChairtimeClient,
  clinicId: string,
  who: Who,
  { isOther, onKnown }: Meant,
): Promise<string> {
  if (who?.kind === 'known') return who.patient.id
  const { name, phone, birthDate } = who as Extract<Who, { kind: 'new' }>
  const person = { full_name: name, phone, birth_date: birthDate }
  const patient = await register(client, clinicId, person, isOther)
  // Remembered, so that a second attempt does not register the person twice.
  onKnown({ kind: 'known', patient })
  return patient.id
}
