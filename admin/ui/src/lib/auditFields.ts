// What the audit log's fields and values are called on the pages: by the kind of object and the field's path in the API.

const limits = (prefix: string, from: string) =>
  Object.fromEntries(['concurrent_calls', 'call_seconds', 'daily_spend', 'deny_prefixes', 'allow_prefixes'].map((name) => [`${prefix}.${name}`, `${from}.${name}`]))
const under = (from: string, ...names: string[]) => Object.fromEntries(names.map((name) => [name, `${from}.${name}`]))

/** Keys of words by kind and field. */
const fields: Record<string, Record<string, string>> = {
  extension: {
    ...under('extensions.columns', 'number', 'username', 'balance', 'credit', 'status', 'payment_type', 'total_recharges'),
    billing_enabled: 'extensions.edit.billing', caller_id: 'extensions.edit.callerId', sip_password: 'extensions.edit.sip',
    ...limits('limits', 'extensions.limits'),
    amount: 'recharges.amount', note: 'recharges.note', ...under('audit.fields', 'repeated', 'first_at'),
  },
  rate: { id: 'audit.fields.id', ...under('rates.columns', 'active', 'remark', 'prefix', 'number_length', 'initial_cost', 'initial_time', 'rate', 'billing_unit', 'start_time', 'end_time', 'extensions') },
  'dial rule': { id: 'audit.fields.id', ...under('trunks.columns', 'enabled', 'position', 'prefix', 'number_length', 'strip', 'prepend', 'trunks') },
  trunk: {
    ...under('trunks.field', 'name', 'uri', 'enabled', 'username', 'password', 'realm', 'register', 'sources'),
    register_expires: 'trunks.field.registerExpires', from_user: 'trunks.field.fromUser', identity_header: 'trunks.field.identity', max_calls: 'trunks.field.maxCalls',
    response_timeout: 'trunks.field.responseTimeout', failover_codes: 'trunks.field.failover', probe_interval: 'trunks.field.probe',
  },
  settings: {
    ...under('settings', 'currency', 'timezone', 'low_balance_threshold', 'unrated_calls', 'unknown_extension', 'insufficient_funds_code', 'limit_code', 'ring_timeout', 'max_call_seconds', 'keepalive_interval',
      'emergency_numbers', 'emergency_trunks', 'webhooks', 'webhook_allow_private'),
    ...limits('default_limits', 'settings'), webhook_secrets: 'audit.fields.webhook_secrets',
  },
  billing: { active: 'billing.activate' },
  license: under('audit.fields', 'number', 'holder', 'devices', 'reason', 'kind', 'place', 'node'),
  user: { ...under('managers', 'username', 'role', 'password'), created_at: 'managers.created', failures_not_listed: 'audit.fields.failures_not_listed' },
  token: { id: 'audit.fields.id', name: 'tokens.name', role: 'tokens.role', expires_at: 'tokens.expires', created_at: 'tokens.created', created_by: 'tokens.by' },
  'dead letter': { url: 'settings.dead.url', event: 'settings.dead.event' },
}

/** Fields of any kind: of a change that was asked for, and whose outcome is not known. */
const ofAny: Record<string, string> = under('audit.fields', 'outcome', 'began_at', 'bytes')

/** Keys of words by field and value, where the API has a list of values. */
const values: Record<string, Record<string, string>> = {
  outcome: { unknown: 'audit.unknown' },
  status: under('extensions.status', 'unlocked', 'locked'),
  payment_type: under('extensions.payment', 'prepaid', 'postpaid'),
  role: under('shell.role', 'admin', 'manager', 'viewer'),
  unrated_calls: under('settings', 'reject', 'allow'),
  unknown_extension: under('settings', 'reject', 'create'),
  identity_header: { none: 'trunks.field.identityNone', pai: 'trunks.field.identityPai' },
  currency: { XXX: 'settings.other' },
  event: Object.fromEntries(['recharge', 'balance.low', 'call.cut', 'limit.reached', 'trunk.down', 'trunk.up', 'license.expiring'].map((name) => [name, `settings.events.${name.replace('.', '_')}`])),
}

/** Values of any field. */
const anywhere: Record<string, string> = { true: 'common.on', false: 'common.off', '(set)': 'audit.set', '(changed)': 'audit.changed' }

/** The kind that an object's name begins with, such as "dial rule" of "dial rule 3"; undefined: one that is not known. */
export function kindOf(object: string): string | undefined {
  const name = object.replace(/^(extension|rate)s/, '$1')
  return Object.keys(fields).find((kind) => name === kind || name.startsWith(`${kind} `))
}

/** The key of a field's word; undefined: it has none. */
export function fieldKey(kind: string | undefined, field: string): string | undefined {
  return (kind === undefined ? undefined : fields[kind]?.[field]) ?? ofAny[field]
}

/** The key of a value's word; undefined: it is shown as it is. */
export function valueKey(field: string, value: string): string | undefined {
  return values[field]?.[value] ?? anywhere[value]
}
