import type en from '../en/statistics'

const words: typeof en = {
  date: '日期',
  calls: '通话数',
  total: '总通话时长',
  average: '平均通话时长',
  cost: '总费用',
  by: '统计方式',
  day: '按日',
  month: '按月',
  year: '按年',
  none: '此期间没有已接通的通话',
  noneDetail: '只统计已接通的外呼通话；没有通话的期间不显示。',
  explain: '已接通的外呼通话。日、月、年按 {zone} 计算。',
}
export default words
