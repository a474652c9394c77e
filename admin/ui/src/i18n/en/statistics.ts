export default {
  date: 'Date',
  calls: 'Calls',
  total: 'Total Call Time',
  average: 'Average Call Time',
  cost: 'Total Cost',
  by: 'Statistics By',
  day: 'Day',
  month: 'Month',
  year: 'Year',
  none: 'No call was answered in this time',
  noneDetail: 'Only answered outbound calls count; a period without any has no row.',
  explain: 'Answered outbound calls. Days, months and years are those of {zone}.',
}
