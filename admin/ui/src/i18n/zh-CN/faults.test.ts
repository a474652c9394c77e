import { describe, expect, test } from 'vitest'
import translated from './faults'

describe('what the server says of a field, in Chinese', () => {
  test.each([
    ['"x y" is no trunk name', '"x y" 不是中继名称'],
    ['must be 5 to 600 seconds', '须为 5 到 600 秒'],
    ['must be 0 (off) or 5 to 3600 seconds', '须为 0，或 5 到 3600 秒'],
    ['must be 0 (any) to 40', '须为 0 到 40，0 表示不限或关闭'],
    ['must be 402, 403, 480 or 603', '须为 402, 403, 480 或 603'],
    ['There is an extension 101 already; edit it, or take another number.', '分机 101 已存在；请编辑它，或换一个号码。'],
    ['8.6138E+12 was shortened by a spreadsheet: format the column as text there, and type the number anew', '8.6138E+12 被表格软件缩写了：请将该列设为文本后重新输入'],
    ['something new', undefined],
  ])('%s', (message, words) => expect(translated(message)).toBe(words))

  test('every rule of the domain is known', () => {
    const files = import.meta.glob<string>(['../../../../../rating/*.go', '!**/*_test.go'], { query: '?raw', import: 'default', eager: true })
    const source = Object.values(files).join('\n')
    // The last argument of bad.add(fine, field, message) where it is a plain text.
    const messages = [...source.matchAll(/bad\.add\([^\n]*, "((?:[^"\\]|\\.)*)"\)\n/g)].map((m) => m[1]!.replace(/\\"/g, '"'))
    expect(messages.length).toBeGreaterThan(25)
    expect(messages.filter((m) => translated(m) === undefined)).toEqual([])
  })
})
