import type en from '../en/statistics'

const words: typeof en = {}
export default words
