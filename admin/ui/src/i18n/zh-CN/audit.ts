import type en from '../en/audit'

const words: typeof en = {}
export default words
