import type en from '../en/dashboard'

const words: typeof en = {}
export default words
