import type en from '../en/settings'

const words: typeof en = {}
export default words
