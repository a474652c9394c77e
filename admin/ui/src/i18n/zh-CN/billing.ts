import type en from '../en/billing'

const words: typeof en = {}
export default words
