import type { MessageChannel } from '../../../chairtime'
import { ErrorNotice, Skeleton } from '../../ui/parts'
import type { usePreview } from './usePreview'

interface Props {
  preview: ReturnType<typeof usePreview>
  channel: MessageChannel
}

/** How it reads, with an example; of a text message also how much it costs. */
export function Preview({ preview: { shown, isCurrent, error }, channel }: Props) {
  return (
    <section className="stack" aria-label="Preview">
      <p className="label">Reads like this, for an example</p>
      <ErrorNotice error={error} />
      {!shown && !error && <Skeleton height={200} />}
      {shown && (
        <div
          className="preview"
          data-stale={!isCurrent}
          data-channel={channel}
          lang={shown.locale}
          dir={shown.is_rtl ? 'rtl' : 'ltr'}
        >
          {shown.subject && <h3>{shown.subject}</h3>}
          <p>{shown.body}</p>
        </div>
      )}
      {shown?.units !== undefined && (
        <p className="small-text muted num" aria-live="polite">
          {shown.units} characters,{' '}
          {shown.segments === 1 ? 'one text message' : `${shown.segments} text messages`} ({shown.encoding}).{' '}
          {shown.encoding === 'UCS-2' &&
            'A character that is not in GSM-7 leaves room for 70 instead of 160.'}
        </p>
      )}
    </section>
  )
}
