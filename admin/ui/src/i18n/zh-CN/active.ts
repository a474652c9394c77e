import type en from '../en/active'

const words: typeof en = {}
export default words
