import { describe, expect, test } from 'vitest'
import { addDays, ago, clock, day, short, stamp, sum } from './time'

describe('lengths', () => {
  test.each([[0, '00:00:00'], [39, '00:00:39'], [238, '00:03:58'], [3600, '01:00:00'], [360_000, '100:00:00'], [-5, '00:00:00'], [59.9, '00:00:59']])('the call log writes %s s as %s', (s, text) => expect(clock(s)).toBe(text))
  test.each([[742, '0:12:22'], [148, '0:02:28'], [139, '0:02:19'], [277, '0:04:37'], [36_000, '10:00:00'], [0, '0:00:00']])('statistics write %s s as %s', (s, text) => expect(sum(s)).toBe(text))
  test.each([[238, '3:58'], [5, '0:05'], [3725, '1:02:05']])('a countdown writes %s s as %s', (s, text) => expect(short(s)).toBe(text))
})

describe('instants', () => {
  test.each([
    ['2019-05-31T15:03:31Z', 'UTC', '2019-05-31 15:03:31'],
    ['2019-05-31T15:03:31.999Z', 'Asia/Shanghai', '2019-05-31 23:03:31'],
    ['2019-12-31T23:30:00Z', 'Europe/Berlin', '2020-01-01 00:30:00'],
    ['2024-03-31T01:00:00Z', 'Europe/Berlin', '2024-03-31 03:00:00'], // the hour that summer time skips
    ['2024-01-01T05:00:00Z', 'America/New_York', '2024-01-01 00:00:00'], // midnight is 00, not 24
  ])('%s in %s is %s', (at, zone, text) => expect(stamp(at, zone)).toBe(text))
  test('no instant is no text', () => expect(stamp(null, 'UTC')).toBe(''))
  test('the day of an instant depends on the zone', () => {
    const at = new Date('2019-05-31T20:00:00Z')
    expect(day(at, 'UTC')).toBe('2019-05-31')
    expect(day(at, 'Asia/Shanghai')).toBe('2019-06-01')
  })
  test.each([['2024-02-28', 1, '2024-02-29'], ['2023-02-28', 1, '2023-03-01'], ['2024-01-01', -1, '2023-12-31'], ['2024-03-31', -6, '2024-03-25']])('%s and %s days', (from, n, to) => expect(addDays(from, n)).toBe(to))
  test('how long ago, in words', () => {
    const now = new Date('2024-01-01T12:00:00Z')
    expect(ago('2024-01-01T11:57:00Z', now, 'en')).toBe('3 minutes ago')
    expect(ago('2024-01-01T12:00:00Z', now, 'en')).toBe('now')
    expect(ago('2023-12-30T12:00:00Z', now, 'zh-CN')).toBe('前天')
  })
})
