import type en from '../en/recharges'

const words: typeof en = {}
export default words
