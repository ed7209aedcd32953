import '@fontsource-variable/figtree/index.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/ui.css'
import './styles/shell.css'
import './styles/patient.css'
import './styles/staff.css'
import './styles/board.css'
import './styles/day.css'
import './styles/desk.css'
import './styles/people.css'
import './styles/link.css'
import './styles/messages.css'
import './styles/waiting.css'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app/App'
import { connect } from './app/config'
import { Unreachable } from './app/Unreachable'
import { ChairtimeProvider } from './chairtime'

const root = createRoot(document.getElementById('root') as HTMLElement)

connect().then(
  (client) =>
    root.render(
      <StrictMode>
        <ChairtimeProvider client={client}>
          <App />
        </ChairtimeProvider>
      </StrictMode>,
    ),
  () => root.render(<Unreachable />),
)
