import { describe, expect, test } from 'vitest'
import { read, write } from './urlState'

const defaults = { q: '', status: '', page: '1' }

describe('filters in the address', () => {
  test('what is not there is the default, what is odd too', () => expect(read(defaults, { q: '101', status: ['a', 'b'] })).toEqual({ q: '101', status: '', page: '1' }))
  test('defaults are left out, what is no filter stays', () => expect(write(defaults, { q: '1', status: '', page: '1' }, { page: '4', to: '/x' })).toEqual({ q: '1', to: '/x' }))
})
