// Writes dist.sum: one SHA-256 over everything that the build reads. ui_test.go computes it again and so notices, without
// Node, that the built files are older than their sources.
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'

const inputs = ['index.html', 'package-lock.json', 'package.json', 'public', 'scripts', 'src', 'tsconfig.json', 'vite.config.ts']

function files(path) {
  if (!statSync(path).isDirectory()) return [path]
  return readdirSync(path).flatMap((name) => files(`${path}/${name}`))
}

const hash = createHash('sha256')
for (const file of inputs.flatMap(files).filter((file) => !file.endsWith('.test.ts')).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))) {
  const content = createHash('sha256').update(readFileSync(file)).digest('hex')
  hash.update(`${content}  ${file}\n`)
}
writeFileSync('dist.sum', hash.digest('hex') + '\n')
