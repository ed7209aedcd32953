import { useState } from 'react'

export type Theme = 'system' | 'light' | 'dark'

const STORED = 'chairtime.theme'

/** The chosen theme, remembered; `system` follows the device. See also public/theme.js. */
export function useTheme(): [Theme, (theme: Theme) => void] {
  const [theme, setTheme] = useState<Theme>(
    () => (document.documentElement.dataset['theme'] as Theme) ?? 'system',
  )
  const choose = (next: Theme) => {
    setTheme(next)
    if (next === 'system') {
      localStorage.removeItem(STORED)
      delete document.documentElement.dataset['theme']
    } else {
      localStorage.setItem(STORED, next)
      document.documentElement.dataset['theme'] = next
    }
  }
  return [theme, choose]
}
