import { useQuery, useQueryClient, type UseQueryOptions } from '@tanstack/react-query'
import {
  type AppointmentType,
  ChairtimeError,
  type DentistType,
  type Me,
  type Membership,
  useChairtime,
  useSession,
  useTopic,
} from '../chairtime'
import { ACCOUNT_GONE } from './session'

const MANY = 1000

/** What changes rarely: read once, kept, and shared by all pages. */

export function useClinics() {
  const client = useChairtime()
  return useShared({
    queryKey: ['clinics'],
    queryFn: () => client.rows('clinics', (rows) => rows.order('name')),
  })
}

/** The clinics that have something to book, by id: types of visit, and somebody who leads them. */
export function useOffering(enabled: boolean) {
  const client = useChairtime()
  return useShared({
    queryKey: ['offering'],
    enabled,
    queryFn: async () => {
      const [types, dentists, offers] = await Promise.all([
        client.rows('appointment_types', (rows) =>
          rows.eq('is_active', true).neq('audience', 'staff').limit(MANY),
        ),
        client.rows('dentists', (rows) => rows.eq('is_active', true).limit(MANY)),
        client.rows('dentist_types', (rows) => rows.limit(MANY)),
      ])
      const typeIds = new Set(types.map(({ id }) => id))
      const dentistIds = new Set(dentists.map(({ id }) => id))
      const led = offers.filter(
        (offer) => typeIds.has(offer.appointment_type_id) && dentistIds.has(offer.dentist_id),
      )
      return new Set(led.map(({ clinic_id }) => clinic_id))
    },
  })
}

export function useDentists(clinicId: string | undefined) {
  const client = useChairtime()
  return useShared({
    queryKey: ['dentists', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () => client.rows('dentists', (rows) => rows.eq('clinic_id', clinicId).order('full_name')),
  })
}

/** All that may be seen: also such as are no longer offered, for the appointments that are still of them. */
export function useAppointmentTypes(clinicId: string | undefined) {
  const client = useChairtime()
  return useShared({
    queryKey: ['appointment types', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () =>
      client.rows('appointment_types', (rows) => rows.eq('clinic_id', clinicId).order('duration')),
  })
}

/** Who leads what. */
export function useDentistTypes(clinicId: string | undefined) {
  const client = useChairtime()
  return useShared({
    queryKey: ['dentist types', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () => client.rows('dentist_types', (rows) => rows.eq('clinic_id', clinicId).limit(MANY)),
  })
}

/**
 * Of the types, those that are for whoever looks. Whom the clinic knows is for the server to say: it is asked about each that is not
 * for everybody.
 */
export function useOfferedTypes(types: AppointmentType[] | undefined) {
  const client = useChairtime()
  const userId = useSession()?.user.id
  const open = types?.filter(({ is_active, audience }) => is_active && audience !== 'staff')
  const asked = open?.filter(({ audience }) => audience !== 'everyone').map(({ id }) => id) ?? []
  const query = useShared({
    queryKey: ['offered types', asked, userId],
    enabled: asked.length > 0,
    queryFn: async () => {
      const starts_at = new Date(client.clock.now()).toISOString()
      const answers = await Promise.all(
        asked.map((id) => client.late('explain_slot', { appointment_type_id: id, starts_at })),
      )
      return new Set(asked.filter((_id, index) => answers[index]?.code === 'not_offered'))
    },
  })
  const isKnown = asked.length === 0 || query.data !== undefined
  return { types: isKnown ? open?.filter(({ id }) => !query.data?.has(id)) : undefined, error: query.error }
}

/** The people, chairs and equipment of a clinic, for its staff. */
export function useResources(clinicId: string | undefined) {
  const client = useChairtime()
  return useShared({
    queryKey: ['resources', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () => client.rows('resources', (rows) => rows.eq('clinic_id', clinicId).order('name')),
  })
}

/** Those of the dentists who lead visits of a type. */
export function leadersOf<T extends { id: string }>(
  dentists: T[] | undefined,
  offers: DentistType[] | undefined,
  typeId: string | undefined,
): T[] {
  const ids = new Set(
    offers?.filter((offer) => offer.appointment_type_id === typeId).map(({ dentist_id }) => dentist_id),
  )
  return dentists?.filter(({ id }) => ids.has(id)) ?? []
}

export function useMe() {
  const client = useChairtime()
  const userId = useSession()?.user.id
  return useShared({
    queryKey: ['me', userId],
    enabled: userId !== undefined,
    queryFn: async () => {
      const me = await client.rpc('me')
      if ((me.email !== null || me.is_guest) && me.profile !== null) return me
      throw new ChairtimeError({
        code: 'not_authenticated',
        message: 'The account of this session is gone.',
        details: ACCOUNT_GONE,
      })
    },
  })
}

/** Whether who is signed in works at a clinic's desk: as an admin or a receptionist. */
export function useIsDesk(clinicId: string): boolean {
  const { data: me } = useMe()
  return desksOf(me).some(
    ({ clinic_id, role }) => clinic_id === clinicId && (role === 'admin' || role === 'receptionist'),
  )
}

/** The languages in which messages are written, each by its own name. */
export function useLocales() {
  const client = useChairtime()
  return useShared({
    queryKey: ['locales'],
    queryFn: () => client.rows('locales', (rows) => rows.order('locale')),
  })
}

const languageNames = new Intl.DisplayNames('en', { type: 'language' })

/** The same to choose from, with the one that is chosen already: also another one, and before the others are known. */
export function useLanguages(chosen: string | null) {
  const { data, error } = useLocales()
  const known = data?.map(({ locale: value, name: label }) => ({ value, label })) ?? []
  const isOther = chosen !== null && !known.some(({ value }) => value === chosen)
  const other = isOther ? [{ value: chosen, label: languageNames.of(chosen) ?? chosen }] : []
  return { languages: [...other, ...known], error }
}

/** What else is true of whoever is signed in is read anew. */
export function useFreshMe(): () => Promise<void> {
  const queries = useQueryClient()
  return () => queries.invalidateQueries({ queryKey: ['me'] })
}

/** Whom one acts for may begin or end while one looks: then it does so here, too. */
export function useLiveFamily(): void {
  const queries = useQueryClient()
  const userId = useSession()?.user.id
  const refresh = () => {
    void queries.invalidateQueries({ queryKey: ['me'] })
    void queries.invalidateQueries({ queryKey: ['chairtime', 'appointments'] })
  }
  useTopic(userId ? `patient:${userId}` : null, {
    onEvent: ({ event }) => event === 'patient_updated' && refresh(),
  })
}

/** Whose an appointment is: the name of somebody whom one acts for; undefined where it is one's own. */
export function useWhose(): (patientId: string | null | undefined) => string | undefined {
  const { data: me } = useMe()
  return (patientId) => me?.dependants.find((each) => each.patient_id === patientId)?.full_name
}

/** A query that many parts of a page read: a refusal is told once, and not asked for again by each that appears. */
function useShared<T>(options: UseQueryOptions<T>) {
  const query = useQuery({ ...options, retryOnMount: false })
  return { ...query, error: query.error ?? query.failureReason }
}

/** Where somebody works; a chatbot's account has no desk. */
export function desksOf(me: Me | undefined): Membership[] {
  return (me?.memberships ?? []).filter(
    ({ role }) => role === 'admin' || role === 'dentist' || role === 'receptionist',
  )
}
