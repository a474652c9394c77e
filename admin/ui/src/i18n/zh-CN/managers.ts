import type en from '../en/managers'

const words: typeof en = {}
export default words
