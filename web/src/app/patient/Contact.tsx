import type { Clinic } from '../../chairtime'
import { PhoneLink } from '../ui/parts'

/** The clinic by its name, with the way to reach it. */
export function Contact({ clinic: { name, phone, email } }: { clinic: Clinic }) {
  return (
    <span className="contact">
      {name}
      {phone && (
        <>
          {' '}
          <PhoneLink phone={phone} />
        </>
      )}
      {!phone && email && (
        <>
          {' '}
          <a href={`mailto:${email}`}>{email}</a>
        </>
      )}
    </span>
  )
}
