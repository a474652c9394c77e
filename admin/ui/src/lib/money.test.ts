import { describe, expect, test } from 'vitest'
import { add, compare, format, largest, negative, parse, times } from './money'

describe('money', () => {
  test.each([
    ['0', 0n], ['12.34', 12_340_000n], ['12.', 12_000_000n], ['-0.000001', -1n], [' 5 ', 5_000_000n], ['9007199254.740991', largest],
  ])('%s is read exactly', (text, amount) => expect(parse(text)).toBe(amount))

  test.each(['', ' ', '.', '.5', '1,5', '1e3', '+1', '0x10', '1.2.3', '1.0000001', '9007199254.740992', '99999999999', 'NaN', '１'])('%j is no amount', (text) => expect(parse(text)).toBeUndefined())

  test.each([
    [0n, '0.0000'], [1n, '0.000001'], [-1n, '-0.000001'], [10n, '0.00001'], [100n, '0.0001'], [123_400_000n, '123.4000'], [-500_000n, '-0.5000'], [largest, '9007199254.740991'],
  ])('%s is written as %s', (amount, text) => expect(format(amount as bigint)).toBe(text))

  test('what is written is read again, for a hundred thousand amounts', () => {
    let seed = 1n
    for (let i = 0; i < 100_000; i++) {
      seed = (seed * 6364136223846793005n + 1442695040888963407n) % (1n << 64n)
      const amount = (seed % (2n * largest)) - largest
      if (parse(format(amount)) !== amount) throw new Error(`${amount} became ${format(amount)}`)
    }
  })

  test('sums are exact where floats are not', () => {
    expect(add('0.1', '0.2')).toBe('0.3000')
    expect(add('9007199254.740990', '0.000001')).toBe('9007199254.740991')
    expect(times('0.1', 3)).toBe('0.3000')
    expect(times('-33.333333', 3)).toBe('-99.999999')
    expect(add()).toBe('0.0000')
  })

  test('order and sign', () => {
    expect(compare('10', '9.999999')).toBe(1)
    expect(compare('-1', '0')).toBe(-1)
    expect(compare('1.50', '1.5000')).toBe(0)
    expect(negative('-0.0100')).toBe(true)
    expect(negative('0.0000')).toBe(false)
  })
})
