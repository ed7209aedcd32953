import type { Clinic } from '../../chairtime'

/** The clinic by its name, with the way to reach it. */
export function Contact({ clinic: { name, phone, email } }: { clinic: Clinic }) {
  return (
    <span className="contact">
      {name}
      {phone && (
        <>
          {' '}
          <a href={`tel:${phone.replaceAll(/[^+\d]/g, '')}`} className="num">
            {phone}
          </a>
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
