interface Point {
  x: number
  y: number
}

/** Pixels from an edge at which scrolling begins, and pixels a frame at the edge itself. */
const NEAR = 56
const FASTEST = 14

/** Scrolls an element while the pointer is near its edges, until it is told to stop. */
export function scrollAtEdges(element: HTMLElement | null, pointer: () => Point): () => void {
  if (!element) return () => {}
  let frame = requestAnimationFrame(function scroll() {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    const { x, y } = pointer()
    element.scrollBy(speed(x, left, right), speed(y, top, bottom))
    frame = requestAnimationFrame(scroll)
  })
  return () => cancelAnimationFrame(frame)
}

function speed(position: number, start: number, end: number): number {
  const before = start + NEAR - position
  const after = position - (end - NEAR)
  if (before > 0) return -share(before)
  return after > 0 ? share(after) : 0
}

function share(distance: number): number {
  return (Math.min(distance, NEAR) / NEAR) * FASTEST
}
