import { useMutation, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { useLocation, useSearchParams } from 'wouter'
import { type Joined, type Me, useChairtime, useSession } from '../../chairtime'
import { useMe } from '../data'
import { Shell, Splash } from '../Shell'
import { FormError, TextField } from '../ui/fields'
import { Button, Notice, PageTitle } from '../ui/parts'
import { useToast } from '../ui/Toasts'
import { SignInForm } from './SignInForm'

type As = 'patient' | 'staff'

interface Joining {
  clinic_id: string
  /** Whose record it is: one's own, or that of somebody one acts for now. */
  patient_id?: string
}

/** Where an invitation leads: one signs in or up, and brings the code. The code stands behind the `#`. */
export function JoinPage() {
  const session = useSession()
  if (session === undefined) return <Splash />
  const isSomebody = session !== null && !session.user.is_anonymous
  return (
    <Shell>
      <div className="join card panel-card">
        <PageTitle>Join with a code</PageTitle>
        {isSomebody ? <Bring email={session.user.email} /> : <SignFirst />}
      </div>
    </Shell>
  )
}

/** Nobody joins without a login of their own; the code waits meanwhile. */
function SignFirst() {
  const [mode, setMode] = useState<'in' | 'up'>('up')
  return (
    <>
      <p className="muted">
        {mode === 'up'
          ? 'First you need an account. If you are invited to a clinic’s staff, take the address that was invited.'
          : 'First sign in. If you are invited to a clinic’s staff, with the address that was invited.'}
      </p>
      <div className="segmented" role="group" aria-label="Account">
        {(['up', 'in'] as const).map((each) => (
          <button key={each} type="button" aria-pressed={mode === each} onClick={() => setMode(each)}>
            {each === 'up' ? 'I am new here' : 'I have an account'}
          </button>
        ))}
      </div>
      <SignInForm key={mode} mode={mode} onDone={() => {}} />
      {mode === 'up' && (
        <p className="muted small-text">
          If we ask you to confirm your email, come back to this page afterwards.
        </p>
      )}
    </>
  )
}

function Bring({ email }: { email: string | undefined }) {
  const client = useChairtime()
  const [search] = useSearchParams()
  const asked = search.get('as')
  const [as, setAs] = useState<As>(asked === 'staff' ? 'staff' : 'patient')
  const arrive = useArrival()
  const join = useMutation({
    mutationFn: async (form: FormData): Promise<Joined<Joining>> => {
      const code = String(form.get('code'))
      const birth_date = String(form.get('birth_date') ?? '')
      if (as === 'staff') {
        const answer = await client.rpc('accept_staff_invitation', { code })
        return answer.accepted ? { accepted: true, clinic_id: answer.staff.clinic_id } : answer
      }
      const answer = await client.rpc('claim_patient', { code, ...(birth_date ? { birth_date } : {}) })
      return answer.accepted
        ? { accepted: true, clinic_id: answer.patient.clinic_id, patient_id: answer.patient.id }
        : answer
    },
    onSuccess: (answer) => (answer.accepted ? arrive(as, answer) : undefined),
  })
  return (
    <form
      className="stack"
      onChange={() => join.isIdle || join.isPending || join.reset()}
      onSubmit={(event) => {
        event.preventDefault()
        join.mutate(new FormData(event.currentTarget))
      }}
    >
      <p className="muted">
        You are signed in{email && ` as ${email}`}.{' '}
        <button
          type="button"
          className="linklike"
          onClick={() => client.supabase.auth.signOut({ scope: 'local' })}
        >
          Not you?
        </button>
      </p>
      {asked !== 'staff' && asked !== 'patient' && (
        <div className="segmented" role="group" aria-label="Invited as">
          {(['patient', 'staff'] as const).map((each) => (
            <button
              key={each}
              type="button"
              aria-pressed={as === each}
              onClick={() => {
                setAs(each)
                join.reset()
              }}
            >
              {each === 'patient' ? 'As a patient or for one' : 'To the staff'}
            </button>
          ))}
        </div>
      )}
      <TextField
        label="Code"
        name="code"
        required
        maxLength={100}
        autoComplete="off"
        autoCapitalize="characters"
        spellCheck={false}
        placeholder="XXXX-XXXX-XXXX"
        defaultValue={codeIn(location.hash)}
        error={join.error}
      />
      {as === 'patient' && (
        <TextField
          label="Birth date of the patient"
          name="birth_date"
          type="date"
          hint="If the clinic knows it, it must be the same."
          error={join.error}
        />
      )}
      {join.data && !join.data.accepted && (
        <Notice tone="bad">
          <p>
            <strong>{join.data.message}</strong>
          </p>
          <p>{join.data.hint}</p>
        </Notice>
      )}
      <FormError error={join.error} names={['code', 'birth_date']} />
      <Button type="submit" className="primary wide" busy={join.isPending}>
        {as === 'staff' ? 'Join the staff' : 'Link with my account'}
      </Button>
    </form>
  )
}

/** Says that one is in, and goes where one can see it. */
function useArrival(): (as: As, joined: Joining) => Promise<void> {
  const queries = useQueryClient()
  const me = useMe()
  const say = useToast()
  const [, navigate] = useLocation()
  return async (as, { clinic_id, patient_id }) => {
    const { data } = await me.refetch()
    void queries.invalidateQueries()
    const clinic = clinicOf(data, clinic_id)
    const name = clinic?.clinic_name ?? 'the clinic'
    const dependant = data?.dependants.find((each) => each.patient_id === patient_id)
    if (dependant) say(`You now act for ${dependant.full_name}.`)
    else say(as === 'staff' ? `Welcome to the staff of ${name}.` : `Your account is linked with ${name}.`)
    navigate(as === 'staff' && clinic ? `/desk/${clinic.clinic_slug}/day` : '/appointments', {
      replace: true,
    })
  }
}

function clinicOf(me: Me | undefined, clinicId: string) {
  return me?.memberships.find(({ clinic_id }) => clinic_id === clinicId)
}

/** Nobody's address is to be trusted: letters, digits and hyphens, or nothing. */
function codeIn(hash: string): string {
  return /^#([\dA-Za-z-]{1,40})$/.exec(hash)?.[1] ?? ''
}
