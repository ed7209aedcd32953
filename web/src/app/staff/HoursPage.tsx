import type { DeskProps } from './Desk'
export function HoursPage(_: DeskProps) { return <h1>Hours</h1> }
