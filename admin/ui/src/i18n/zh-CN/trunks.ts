import type en from '../en/trunks'

const words: typeof en = {}
export default words
