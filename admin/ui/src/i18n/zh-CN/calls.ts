import type en from '../en/calls'

const words: typeof en = {}
export default words
