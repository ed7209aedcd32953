import { useQuery } from '@tanstack/react-query'
import { type Clinic, type Me, type Membership, useChairtime, useSession } from '../chairtime'

/** What changes rarely: read once, kept, and shared by all pages. */

export function useClinics() {
  const client = useChairtime()
  return useQuery({
    queryKey: ['clinics'],
    queryFn: () => client.rows('clinics', (rows) => rows.order('name')),
  })
}

export function useClinic(slug: string | null): Clinic | undefined {
  return useClinics().data?.find((clinic) => clinic.slug === slug)
}

export function useDentists(clinicId: string | undefined) {
  const client = useChairtime()
  return useQuery({
    queryKey: ['dentists', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () => client.rows('dentists', (rows) => rows.eq('clinic_id', clinicId).order('full_name')),
  })
}

export function useAppointmentTypes(clinicId: string | undefined) {
  const client = useChairtime()
  return useQuery({
    queryKey: ['appointment types', clinicId],
    enabled: clinicId !== undefined,
    queryFn: () =>
      client.rows('appointment_types', (rows) =>
        rows.eq('clinic_id', clinicId).eq('is_active', true).order('duration'),
      ),
  })
}

export function useMe() {
  const client = useChairtime()
  const userId = useSession()?.user.id
  return useQuery({
    queryKey: ['me', userId],
    enabled: userId !== undefined,
    queryFn: () => client.rpc('me'),
  })
}

/** Where somebody works; a chatbot's account has no desk. */
export function desksOf(me: Me | undefined): Membership[] {
  return (me?.memberships ?? []).filter(
    ({ role }) => role === 'admin' || role === 'dentist' || role === 'receptionist',
  )
}
