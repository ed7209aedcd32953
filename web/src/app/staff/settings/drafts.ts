import { intervalMs, type PartNeeds, type TypePart } from '../../../chairtime'

/** A part of a kind of visit as it is edited: minutes as texts, empty where nothing is said. */
export interface DraftPart {
  key: number
  needs: PartNeeds
  only: string[]
  startsAfter: string
  lasts: string
}

const MINUTE = 60_000

export function asDraft({ part, needs, only_resources, starts_after, lasts }: TypePart): DraftPart {
  return {
    key: part,
    needs,
    only: only_resources ?? [],
    startsAfter: minutesOf(starts_after).replace(/^0$/, ''),
    lasts: lasts === null ? '' : minutesOf(lasts),
  }
}

function minutesOf(span: string): string {
  return String(intervalMs(span) / MINUTE)
}

export function asJson({ needs, only, startsAfter, lasts }: DraftPart) {
  return {
    needs,
    ...(only.length > 0 ? { only_resources: only } : {}),
    ...(startsAfter ? { starts_after: `${startsAfter} minutes` } : {}),
    ...(lasts ? { lasts: `${lasts} minutes` } : {}),
  }
}
