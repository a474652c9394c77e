import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, test } from 'vitest'
import description from '../../../openapi.json'

// The generators of clients are lenient; the schema of the OpenAPI Initiative is not.
test('the description of the API is valid OpenAPI 3.1', async () => {
  const validator = new Validator()
  const { valid, errors } = await validator.validate(structuredClone(description))
  expect(errors ?? []).toEqual([])
  expect(valid).toBe(true)
  expect(validator.version).toBe('3.1')
})

test('what is not valid is found', async () => {
  const broken = structuredClone(description) as { paths: Record<string, unknown> }
  broken.paths['/extensions'] = { get: { responses: 'none' } }
  expect((await new Validator().validate(broken)).valid).toBe(false)
})
