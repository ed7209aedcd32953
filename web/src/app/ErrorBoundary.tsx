import { Component, type ReactNode } from 'react'
import { useLocation } from 'wouter'
import { ChairtimeError } from '../chairtime'
import { Broken } from './ui/states'

/** What no page has caught ends here, in words, with a way on. Another address is another try. */
export function ErrorBoundary({ children }: { children: ReactNode }) {
  const [path] = useLocation()
  return <Boundary path={path}>{children}</Boundary>
}

interface Props {
  path: string
  children: ReactNode
}

interface State {
  path: string
  error: Error | null
}

class Boundary extends Component<Props, State> {
  override state: State = { path: this.props.path, error: null }

  static getDerivedStateFromError(thrown: unknown): Partial<State> {
    const error =
      thrown instanceof ChairtimeError
        ? thrown
        : new ChairtimeError({ code: 'unexpected', message: String(thrown) })
    return { error }
  }

  static getDerivedStateFromProps({ path }: Props, state: State): State | null {
    return path === state.path ? null : { path, error: null }
  }

  override render() {
    const { error } = this.state
    if (!error) return this.props.children
    return (
      <main className="alone">
        <Broken error={error} retry={() => location.reload()} />
      </main>
    )
  }
}
