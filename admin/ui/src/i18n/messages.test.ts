import { expect, test } from 'vitest'
import en from './en'
import zh from './zh-CN'

function* texts(messages: object, path = ''): Generator<[string, string]> {
  for (const [name, part] of Object.entries(messages)) {
    if (typeof part === 'string') yield [`${path}${name}`, part]
    else yield* texts(part, `${path}${name}.`)
  }
}

test.each([['en', en], ['zh-CN', zh]] as const)('every message of %s is shown as a whole: a plural is meant where there is a |', (_, messages) => {
  for (const [key, text] of texts(messages)) {
    const literal = text.replaceAll("{'|'}", '').replaceAll("{'@'}", '')
    expect(/\S\||\|\S/.test(literal), `${key}: write {'|'} for a | that is to be seen`).toBe(false)
  }
})
