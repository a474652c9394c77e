import { describe, expect, test } from 'vitest'
import { gaps, overlaps, spansOf, timeOf, winner, type Rate } from './beside'

const base: Rate = { id: 1, active: true, remark: '', prefix: '9', number_length: 0, initial_cost: '0.0000', initial_time: 0, rate: '0.0200', billing_unit: 60, start_time: '00:00:00', end_time: '23:59:59', extensions: ['*'], version: 1 }
const rate = (change: Partial<Rate>): Rate => ({ ...base, ...change })
const words = (spans: [number, number][]) => spans.map(([a, b]) => `${timeOf(a)}-${timeOf(b)}`)

describe('a rate beside others', () => {
  test('a block that wraps midnight is two spans', () => expect(words(spansOf(rate({ start_time: '20:00:00', end_time: '07:59:59' })))).toEqual(['00:00:00-07:59:59', '20:00:00-23:59:59']))
  test('the same calls: the lower id wins, a new one loses', () => {
    expect(overlaps(rate({ id: 0 }), [base])).toMatchObject([{ same: true, winner: { id: 1 } }])
    expect(overlaps(rate({ id: 2 }), [base])[0]!.winner.id).toBe(1)
  })
  test.each([
    ['a longer prefix', { prefix: '95' }, 2], ['an exact length', { number_length: 9 }, 2], ['a named extension', { extensions: ['101'] }, 2], ['a shorter prefix', { prefix: '' }, 1],
  ])('%s decides', (_name, change, wins) => expect(winner(rate({ id: 2, ...change }), base).id).toBe(wins))
  test.each([
    ['another prefix', { prefix: '8' }], ['other hours', { start_time: '08:00:00', end_time: '09:00:00' }], ['nobody', { extensions: [] }], ['switched off', { active: false }],
  ])('no overlap: %s', (_name, change) => expect(overlaps(rate({ id: 2, start_time: '10:00:00', end_time: '11:00:00' }), [rate(change)])).toEqual([]))
  test('two exact lengths never meet', () => expect(overlaps(rate({ id: 2, number_length: 9 }), [rate({ number_length: 12 })])).toEqual([]))
  test('day and night leave no gap; a minute between them is found; a night is one gap', () => {
    const sunny = rate({ id: 2, start_time: '08:00:00', end_time: '19:59:59' })
    expect(gaps(sunny, [rate({ start_time: '20:00:00', end_time: '07:59:59' })])).toEqual([])
    expect(words(gaps(sunny, [rate({ start_time: '20:01:00', end_time: '07:59:59' })]))).toEqual(['20:00:00-20:00:59'])
    expect(words(gaps(sunny, []))).toEqual(['20:00:00-07:59:59'])
    expect(words(gaps(sunny, [rate({ prefix: '95' })])), 'a narrower rate fills no gap').toEqual(['20:00:00-07:59:59'])
    expect(gaps(sunny, [rate({ prefix: '' })]), 'a wider one does').toEqual([])
  })
})
