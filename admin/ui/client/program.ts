// What somebody writes against a client that openapi-typescript generates from openapi.json. It is compiled, not run
// (make client): names, kinds and answers are those of the contract. A mark "@ts-expect-error" says what must not compile.
import createClient from 'openapi-fetch'
import type { components, paths } from './schema'

type Schemas = components['schemas']

// Lists can be had as files, too; whoever reads JSON names it, and gets the list alone.
const api = createClient<paths, 'application/json' | 'application/problem+json'>({ baseUrl: 'http://127.0.0.1:8080' })

export async function costOfTheNewestCalls(): Promise<string[]> {
  const { data, error } = await api.GET('/api/v1/calls', { params: { query: { from: '2019-05-01', to: '2019-05-31', q: '102', disposition: 'answered', per_page: 200 } } })
  if (!data) throw new Error(explained(error))
  const total: number = data.total
  return [String(total), ...data.items.map((call) => call.cost)]
}

export async function recharge(extension: string, key: string): Promise<string> {
  const { data, error } = await api.POST('/api/v1/recharges', { params: { header: { 'Idempotency-Key': key } }, body: { extensions: [extension], amount: '10.0000', note: '' } })
  if (!data) throw new Error(explained(error))
  return data.items[0]?.post_balance ?? ''
}

export async function rate(): Promise<number> {
  const { data, error } = await api.POST('/api/v1/rates', { body: { prefix: '9', initial_cost: '0.1000', initial_time: 60, rate: '0.0200', billing_unit: 55, extensions: ['*'] } })
  if (!data) throw new Error(explained(error))
  const made: Schemas['Rate'] = data
  return made.id
}

export async function callsOfAMonth() {
  const { data } = await api.GET('/api/v1/statistics', { params: { query: { by: 'month' } } })
  return data?.items.map((row) => `${row.date} ${row.calls} ${row.average_seconds} ${row.total_cost}`)
}

function explained(problem: Schemas['Problem'] | undefined): string {
  return problem ? `${problem.type} ${problem.status}: ${problem.detail} ${(problem.errors ?? []).map((e) => e.location + ' ' + e.message).join('; ')}` : ''
}

export function whatMustNotCompile() {
  // @ts-expect-error money is text, never a number
  void api.POST('/api/v1/recharges', { params: { header: { 'Idempotency-Key': 'k' } }, body: { extensions: ['101'], amount: 10 } })
  // @ts-expect-error a recharge needs a key
  void api.POST('/api/v1/recharges', { body: { extensions: ['101'], amount: '10.0000' } })
  // @ts-expect-error there is no such disposition
  void api.GET('/api/v1/calls', { params: { query: { disposition: 'lost' } } })
  // @ts-expect-error there is no such parameter
  void api.GET('/api/v1/calls', { params: { query: { form: '2019-05-31' } } })
}
