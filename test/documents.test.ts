import t from 'tap'
import { compile, run } from './helpers/module.js'
import { blocks, promises } from './helpers/readme.js'

t.setTimeout(180_000)

for (const document of ['docs/api.md', 'docs/limits.md', 'docs/history.md']) {
  t.test(`the examples of ${document} do what they say`, async (t) => {
    const examples = blocks('ts', document)
    const { faults, files } = compile(t.testdir(), examples.map(({ code }) => code))
    t.strictSame(faults, [])
    t.ok(files.length >= 1)
    for (const [i, { heading, code }] of examples.entries()) {
      const { output, errors } = await run(t, files[i] ?? '').ended
      t.equal(errors, '', heading)
      t.strictSame(output.trimEnd().split('\n'), promises(code), heading)
    }
  })
}
