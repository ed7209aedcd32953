import { type ChangeEvent, useState } from 'react'
import { type Clinic, type Locale, messageChannels, messageKinds } from '../../../chairtime'
import { useLocales } from '../../data'
import { SelectField } from '../../ui/fields'
import { ErrorNotice, Skeleton } from '../../ui/parts'
import { channelNames, kindNames } from '../messages/words'
import { TemplateEditor } from './TemplateEditor'
import { type TemplateKey, useTemplate } from './useTemplate'

const kinds = messageKinds.map((value) => ({ value, label: kindNames[value] }))
const channels = messageChannels.map((value) => ({ value, label: channelNames[value] }))

/** The clinic's words, per kind of message, channel and language. */
export function Templates({ clinic }: { clinic: Clinic }) {
  const { data: locales, error } = useLocales()
  if (!locales) return error ? <ErrorNotice error={error} /> : <Skeleton height={320} />
  return <Texts clinic={clinic} locales={locales} />
}

function Texts({ clinic, locales }: { clinic: Clinic; locales: Locale[] }) {
  // A clinic that writes in de-CH has the texts of de.
  const own = locales.find(({ locale }) => locale === clinic.locale.split('-')[0])
  const [shown, setShown] = useState<TemplateKey>({
    kind: 'booked',
    channel: 'email',
    locale: own?.locale ?? 'en',
  })
  const template = useTemplate(clinic, shown)
  const { error } = template
  const field = (name: keyof TemplateKey) => ({
    name,
    value: shown[name],
    onChange: (event: ChangeEvent<HTMLSelectElement>) =>
      setShown({ ...shown, [name]: event.target.value } as TemplateKey),
  })
  return (
    <section className="card panel-card" aria-labelledby="texts">
      <h2 id="texts">Texts</h2>
      <div className="cols">
        <SelectField label="Message" options={kinds} {...field('kind')} />
        <SelectField label="Through" options={channels} {...field('channel')} />
        <SelectField
          label="In"
          options={locales.map(({ locale: value, name: label }) => ({ value, label }))}
          {...field('locale')}
        />
      </div>
      <ErrorNotice error={error} />
      {!template.wording && !error && <Skeleton height={320} />}
      {template.wording && (
        <TemplateEditor
          key={`${Object.values(shown).join()} ${template.wording.subject} ${template.wording.body}`}
          clinic={clinic}
          of={shown}
          saved={template.wording}
          isOwn={template.isOwn}
          isRtl={locales.some(({ locale, is_rtl }) => locale === shown.locale && is_rtl)}
          onSaved={template.refresh}
        />
      )}
    </section>
  )
}
