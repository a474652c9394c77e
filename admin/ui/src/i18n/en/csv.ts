export default {
  choose: 'Choose a CSV file',
  drop: 'or drop it here',
  would: 'It would add {created} and update {updated}. Nothing is changed yet.',
  wrong: 'One row is wrong; nothing was changed. | {n} mistakes; nothing was changed.',
  submit: 'Import: add {created}, update {updated}',
  done: 'Imported: {created} added, {updated} updated',
  line: 'Line',
  column: 'Column',
  mistake: 'What is wrong',
}
