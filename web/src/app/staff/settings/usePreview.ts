import { keepPreviousData, useQuery } from '@tanstack/react-query'
import { useEffect, useState } from 'react'
import { ChairtimeError, type RpcArgs, useChairtime } from '../../../chairtime'

/** So long nothing more is typed before the server is asked. */
const PAUSE = 300

/** How a text reads, asked for when typing pauses; `refused` is what is wrong with it. */
export function usePreview(wanted: RpcArgs<'preview_message'>) {
  const client = useChairtime()
  const now = JSON.stringify(wanted)
  const [settled, setSettled] = useState(now)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(now), PAUSE)
    return () => clearTimeout(timer)
  }, [now])
  const query = useQuery({
    queryKey: ['message preview', settled],
    staleTime: 0,
    placeholderData: keepPreviousData,
    queryFn: () => client.rpc('preview_message', JSON.parse(settled) as typeof wanted),
  })
  const error = query.error ?? query.failureReason
  const isRefused = error instanceof ChairtimeError && error.code === 'invalid_argument'
  return {
    shown: query.data,
    isCurrent: settled === now && !query.isPlaceholderData && !query.isError,
    refused: isRefused && settled === now ? error : null,
    error: isRefused ? null : error,
  }
}
