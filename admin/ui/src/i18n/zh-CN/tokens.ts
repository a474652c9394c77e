import type en from '../en/tokens'

const words: typeof en = {}
export default words
