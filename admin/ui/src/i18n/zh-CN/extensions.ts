import type en from '../en/extensions'

const words: typeof en = {}
export default words
