import { useEffect, useRef, useState } from 'react'
import { useLocation, useSearch } from 'wouter'
import type { Linked as Shown, LinkAction } from '../../chairtime'
import { AskView, NoteView } from './AskView'
import { Frame } from './Frame'
import { MoveView } from './MoveView'
import { LinkOpening, NoVisit } from './NoVisit'
import { OfferView } from './OfferView'
import { RecallView } from './RecallView'
import { useLink } from './useLink'
import { type View, views } from './view'
import { VisitView } from './VisitView'
import { languageOf, languages, type Words } from './words'

/** What the link of a message opens: one visit, a time that is offered, or what is due, without a login, in the message's language. Opening it changes nothing. */
export function LinkPage({ token }: { token: string }) {
  const { visit, ...acting } = useLink(token)
  const locale = visit.data?.locale ?? languageOf(navigator.languages)
  const words = languages[locale] ?? languages['en']!
  useLanguage(locale, visit.data?.is_rtl ?? locale === 'ar')
  if (visit.error) {
    return <NoVisit words={words} error={visit.error} retry={() => void visit.refetch()} />
  }
  if (!visit.data) return <LinkOpening words={words} failure={visit.failureReason} />
  return <Linked token={token} visit={visit.data} words={words} {...acting} />
}

type LinkedProps = Pick<ReturnType<typeof useLink>, 'use' | 'once'> & {
  token: string
  visit: Shown
  words: Words
}

function Linked({ token, visit, words, use, once }: LinkedProps) {
  const [path, navigate] = useLocation()
  const address = useSearch()
  const search = new URLSearchParams(address)
  const [usedAt, setUsedAt] = useState(address)
  const [done, setDone] = useState<LinkAction | null>(null)
  const view = views.find((each) => search.has(each) && visit.actions.includes(each))
  useFocus(`${view} ${done}`)
  const go = (next: View | null, value = '') => {
    if (next) setDone(null)
    navigate(next ? `${path}?${next}${value && `=${encodeURIComponent(value)}`}` : path, { replace: !next })
  }
  const act = (action: LinkAction, more: { startsAt?: string; note?: string } = {}) => {
    setDone(null)
    setUsedAt(address)
    once({ action, ...more }, () => {
      setDone(action)
      if (view) navigate(path, { replace: true })
    })
  }
  // What was refused is of the step that it was refused at.
  const error = usedAt === address ? use.error : null
  const shared = { words, error, isBusy: use.isPending, act, go }
  return (
    <Frame clinic={visit.clinic.name}>
      {view === 'cancel' || view === 'not_me' || view === 'stop' ? (
        <AskView {...shared} visit={visit} about={view} />
      ) : visit.appointment === null ? (
        <RecallView {...shared} visit={visit} token={token} picked={search.get('book') || null} done={done} />
      ) : visit.appointment.state === 'offered' || visit.appointment.state === 'lapsed' ? (
        <OfferView {...shared} visit={visit} done={done} />
      ) : view === 'move' ? (
        <MoveView {...shared} visit={visit} token={token} picked={search.get('move') || null} />
      ) : view === 'note' ? (
        <NoteView {...shared} visit={visit} />
      ) : (
        <VisitView {...shared} visit={visit} done={done} />
      )}
    </Frame>
  )
}

function useLanguage(locale: string, isRtl: boolean): void {
  useEffect(() => {
    const root = document.documentElement
    const before = root.lang
    root.lang = locale
    root.dir = isRtl ? 'rtl' : 'ltr'
    return () => {
      root.lang = before
      root.removeAttribute('dir')
    }
  }, [locale, isRtl])
}

/** What is new on the page is read out from its heading on. */
function useFocus(view: string): void {
  const last = useRef(view)
  useEffect(() => {
    if (last.current === view) return
    last.current = view
    scrollTo(0, 0)
    document.querySelector<HTMLElement>('[data-focus]')?.focus()
  }, [view])
}
