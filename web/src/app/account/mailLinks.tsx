import { Notice } from '../ui/parts'

/** Where a mailed link leads that was followed too late or twice, Auth says so in the address. */
export function hasLinkFailed(): boolean {
  return new URLSearchParams(location.hash.slice(1)).has('error_code')
}

export function LinkFailed() {
  return (
    <Notice tone="warn">
      This link has been used already, or is too old. Ask for another one: it works once, for an hour.
    </Notice>
  )
}
