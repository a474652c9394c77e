/** A column of DataList.vue. */
export interface Column<T> {
  key: Extract<keyof T, string> | (string & {}) // field of the row, and name of the slot cell-KEY
  label: string
  sort?: string // what the server sorts by; left out: cannot be sorted
  downFirst?: boolean // the first click sorts downwards: amounts, times
  align?: 'right' | 'center'
  num?: boolean // figures of equal width
  mono?: boolean // a number that was dialled, an address
  shrink?: boolean // as narrow as its content
  text?: (row: T) => string
}
