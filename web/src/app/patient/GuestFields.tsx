/** What stands in the fields, as update_me takes it. */
export function contactOf(form: FormData) {
  const given = ['full_name', 'phone', 'email'].map((name) => [name, String(form.get(name) ?? '').trim()])
  return Object.fromEntries(given.filter(([, value]) => value !== ''))
}

/** What a guest has not yet said of themselves, and the clinic must know to book: a name, and a way to reach them. */
export function GuestFields() {
  return (
    <fieldset className="guest-fields">
      <legend>Who are you?</legend>
      <label className="field">
        <span>Full name</span>
        <input className="input" name="full_name" autoComplete="name" required maxLength={200} />
      </label>
      <div className="cols">
        <label className="field">
          <span>Phone</span>
          <input className="input" name="phone" type="tel" autoComplete="tel" maxLength={40} />
        </label>
        <label className="field">
          <span>Or email</span>
          <input className="input" name="email" type="email" autoComplete="email" maxLength={320} />
        </label>
      </div>
    </fieldset>
  )
}
