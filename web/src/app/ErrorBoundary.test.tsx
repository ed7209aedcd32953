import { act } from 'react'
import { createRoot } from 'react-dom/client'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { navigate } from 'wouter/use-browser-location'
import { ErrorBoundary } from './ErrorBoundary'

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
  // React tells the console, too.
  vi.spyOn(console, 'error').mockImplementation(() => {})
})
afterEach(() => {
  vi.unstubAllGlobals()
  vi.restoreAllMocks()
})

function Page() {
  if (location.pathname === '/broken') throw new TypeError('undefined is not a function')
  return <p>All is well</p>
}

it('shows what broke in words that are meant for people, and lets another page be another try', async () => {
  const place = document.createElement('div')
  const root = createRoot(place, { onCaughtError: () => {} })
  navigate('/broken')
  await act(async () =>
    root.render(
      <ErrorBoundary>
        <Page />
      </ErrorBoundary>,
    ),
  )
  expect(place.querySelector('h1')?.textContent).toBe('Something went wrong')
  expect(place.textContent).not.toContain('undefined')
  await act(async () => navigate('/whole'))
  expect(place.textContent).toBe('All is well')
  await act(async () => root.unmount())
})
