import { expect, test } from 'vitest'
import description from '../../../openapi.json'
import en from '../i18n/en'
import zh from '../i18n/zh-CN'
import { fieldKey, kindOf, valueKey } from './auditFields'
import { changes } from './changes'

interface Schema { $ref?: string; type?: string | string[]; properties?: Record<string, Schema>; enum?: unknown[]; readOnly?: boolean }
const schemas = description.components.schemas as Record<string, Schema>
const resolved = (s: Schema): Schema => (s.$ref ? schemas[s.$ref.split('/').at(-1)!]! : s)

/** What the audit log calls the object of an operation; null: the operation leaves no fields in it. */
const kinds: Record<string, string | null> = {
  'replace-billing': 'billing', 'create-dial-rule': 'dial rule', 'edit-dial-rule': 'dial rule', 'create-extension': 'extension', 'edit-extension': 'extension', 'edit-extensions': 'extension',
  'create-manager': 'user', 'put-manager-password': 'user', 'put-password': 'user', 'create-rate': 'rate', 'edit-rate': 'rate', 'replace-rate': 'rate', 'recharge': 'extension',
  'replace-settings': 'settings', 'create-token': 'token', 'create-trunk': 'trunk', 'edit-trunk': 'trunk',
  'login': null, 'quote': null, 'preview-recharge': null, 'test-dial-rules': null,
}
/** Sent to do something, and no part of what is stored. */
const orders = ['extension.end_active_calls', 'extension.numbers', 'extension.extensions', 'user.old_password', 'settings.version', 'rate.version']
/** Stored under another name. */
const stored: Record<string, string> = { 'user.new_password': 'user.password' }

/** Every field that operators can write: its kind, its path, and the schema of its value. */
function* writable(): Generator<{ operation: string; kind: string; field: string; schema: Schema }> {
  for (const methods of Object.values(description.paths)) {
    for (const operation of Object.values(methods) as { operationId: string; requestBody?: { content: Record<string, { schema: Schema }> } }[]) {
      const body = operation.requestBody?.content['application/json']?.schema
      if (!body) continue
      const kind = kinds[operation.operationId]
      expect(kind, `${operation.operationId} has a kind of object in this test`).not.toBeUndefined()
      if (kind) yield* leaves(operation.operationId, kind, '', body)
    }
  }
}

function* leaves(operation: string, kind: string, path: string, schema: Schema): ReturnType<typeof writable> {
  const s = resolved(schema)
  if (!s.properties) {
    const name = `${kind}.${path}`
    if (!orders.includes(name)) yield { operation, kind, field: (stored[name] ?? name).slice(kind.length + 1), schema: s }
    return
  }
  for (const [name, part] of Object.entries(s.properties)) if (!part.readOnly) yield* leaves(operation, kind, path ? `${path}.${name}` : name === 'set' ? '' : name, part)
}

const word = (messages: unknown, key: string) => key.split('.').reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], messages)

test('every field that can be written has the pages’ word in the audit log, in both languages', () => {
  const found = [...writable()]
  expect(found.length).toBeGreaterThan(90)
  for (const { operation, kind, field } of found) {
    const key = fieldKey(kind, field)
    expect(key, `${operation}: ${kind} ${field} has no word in lib/auditFields.ts`).toBeDefined()
    for (const messages of [en, zh]) expect(word(messages, key!), key).toBeTypeOf('string')
  }
})

test('every value of a list has its word, or is a code that people know', () => {
  for (const { kind, field, schema } of writable()) {
    for (const value of (schema.enum ?? []).map(String)) {
      if (field === 'currency' && /^[A-Z]{3}$/.test(value) && value !== 'XXX' || /^\d{3}$/.test(value)) continue
      const key = valueKey(field, value)
      expect(key, `${kind} ${field} = ${value}`).toBeDefined()
      for (const messages of [en, zh]) expect(word(messages, key!), key).toBeTypeOf('string')
    }
  }
})

test('what is not known is left as it is', () => {
  expect(fieldKey('extension', 'shoe_size')).toBeUndefined()
  expect(fieldKey(kindOf('balloon 3'), 'credit')).toBeUndefined()
  expect(valueKey('credit', '3.0000')).toBeUndefined()
})

test.each([
  ['extension 101', 'extension'], ['extension 101, 102', 'extension'], ['extensions', 'extension'], ['dial rule 3', 'dial rule'], ['dead letter x-0', 'dead letter'], ['settings', 'settings'], ['user bill-1', 'user'],
])('%s is of kind %s', (object, kind) => expect(kindOf(object)).toBe(kind))

test('a record of several objects keeps them apart, whatever dots are in their names', () => {
  const before = { 'extension 1.2': { credit: '0', limits: { daily_spend: '1' } }, 'extension 3': { credit: '1' } }
  const after = { 'extension 1.2': { credit: '5', limits: { daily_spend: '2' } }, 'extension 3': { credit: '1' } }
  expect(changes(before, after)).toEqual([
    { object: 'extension 1.2', field: 'credit', before: '0', after: '5' },
    { object: 'extension 1.2', field: 'limits.daily_spend', before: '1', after: '2' },
  ])
  expect(changes({ version: 1, trunks: ['A'] }, { version: 2, trunks: ['A', 'B'] })).toEqual([{ object: undefined, field: 'trunks', before: 'A', after: 'A B' }])
  expect(changes(null, { webhooks: [{ url: 'https://a', secret: '', events: ['recharge', 'call.cut'] }] })).toEqual([{ object: undefined, field: 'webhooks', before: undefined, after: 'https://a recharge call.cut' }])
})
