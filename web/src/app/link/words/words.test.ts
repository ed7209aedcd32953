import { describe, expect, it } from 'vitest'
import { languageOf, languages } from '.'
import { en } from './en'

/** Every word by its path; what is made of names and times is made of these. */
function flat(words: object, path = ''): Record<string, string> {
  const entries = Object.entries(words).flatMap(([key, value]: [string, unknown]) => {
    const name = path + key
    if (typeof value === 'function') return [[name, (value as (...of: string[]) => string)('«1»', '«2»')]]
    return typeof value === 'object' && value !== null
      ? Object.entries(flat(value, `${name}.`))
      : [[name, value]]
  })
  return Object.fromEntries(entries) as Record<string, string>
}

const english = flat(en)

describe.each(Object.entries(languages))('%s', (tag, words) => {
  const said = flat(words)

  it('has every word, and no other', () => {
    expect(Object.keys(said).toSorted()).toEqual(Object.keys(english).toSorted())
  })

  it('says something everywhere, with what it is told', () => {
    for (const [key, text] of Object.entries(said)) {
      expect(text.trim(), key).not.toBe('')
      for (const told of english[key]?.match(/«\d»/g) ?? []) expect(text, key).toContain(told)
    }
  })

  it('says it in its own words', () => {
    if (tag === 'en') return
    const same = Object.keys(said).filter((key) => said[key] === english[key] && !said[key]?.startsWith('«'))
    expect(same).toEqual([])
  })
})

it.each([
  [['de-CH', 'en'], 'de'],
  [['pt-BR', 'fr-CA'], 'fr'],
  [['JA'], 'ja'],
  [['constructor', 'zz'], 'en'],
  [[], 'en'],
])('the language for %j is %s', (tags, language) => {
  expect(languageOf(tags)).toBe(language)
})
