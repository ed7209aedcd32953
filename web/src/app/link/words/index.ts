import { ar } from './ar'
import { de } from './de'
import { en } from './en'
import { es } from './es'
import { fr } from './fr'
import { ja } from './ja'
import type { Words } from './words'

export type { Words }

export const languages: Record<string, Words> = { ar, de, en, es, fr, ja }

/** The language to speak before the message's own is known: the first of the visitor's that we have. */
export function languageOf(tags: readonly string[]): string {
  const known = tags.map((tag) => tag.toLowerCase().split('-')[0] ?? '')
  return known.find((tag) => Object.hasOwn(languages, tag)) ?? 'en'
}
