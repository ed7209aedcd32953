// Writes src/chairtime/database.types.ts from a migrated database; with --check, fails where it is not current.
//   node scripts/types.mjs postgresql://postgres:postgres@127.0.0.1:54322/postgres [--check]
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const web = join(dirname(fileURLToPath(import.meta.url)), '..')
const file = join(web, 'src/chairtime/database.types.ts')
const args = process.argv.slice(2)
const url =
  args.find((arg) => arg.startsWith('postgres')) ?? 'postgresql://postgres:postgres@127.0.0.1:54322/postgres'

/** Runs a package's command with this very Node, whatever is on PATH. */
function run(name, command, options) {
  const manifest = createRequire(join(web, 'package.json')).resolve(`${name}/package.json`)
  const { bin } = JSON.parse(readFileSync(manifest, 'utf8'))
  const script = join(dirname(manifest), typeof bin === 'string' ? bin : bin[name])
  return execFileSync(process.execPath, [script, ...command], { cwd: web, encoding: 'utf8', ...options })
}

const printed = run('supabase', ['gen', 'types', `--remote=${url}`, '--schema', 'api', 'typescript'], {
  stdio: ['ignore', 'pipe', 'ignore'],
})
// Without TLS the CLI's warning stands before the types, on standard output.
const types = run('oxfmt', ['--stdin-filepath=database.types.ts'], {
  input: printed.slice(printed.indexOf('export type Json')),
})

if (!args.includes('--check')) writeFileSync(file, types)
else if (readFileSync(file, 'utf8') !== types) {
  console.error('src/chairtime/database.types.ts is not what the migrations say: run `npm run types`.')
  process.exit(1)
}
