import type en from '../en/csv'

const words: typeof en = {
  choose: '选择 CSV 文件',
  drop: '或拖放到此处',
  would: '将新增 {created} 条、更新 {updated} 条。目前尚未修改。',
  wrong: '有一处错误；未做任何修改。 | 有 {n} 处错误；未做任何修改。',
  submit: '导入：新增 {created}，更新 {updated}',
  done: '已导入：新增 {created}，更新 {updated}',
  line: '行',
  column: '列',
  mistake: '错误',
}
export default words
