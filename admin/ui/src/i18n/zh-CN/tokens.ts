import type en from '../en/tokens'

const words: typeof en = {
  intro: '供使用 API 的程序：以 {header} 发送令牌。可用的接口见 {docs}。',
  name: '名称',
  nameHint: '由谁使用，例如 CRM 或备份',
  role: '角色',
  roleViewer: '读取报表',
  roleManager: '读取并修改分机、费率和资金',
  roleAdmin: '全部权限，包括中继和用户',
  expires: '有效期至',
  never: '永不过期',
  over: '已过期',
  created: '创建时间',
  by: '创建者',
  add: '添加 API 令牌',
  create: '创建',
  token: '令牌',
  made: '令牌 {name}',
  future: '请选择将来的日期',
  life: { '30': '30 天后', '90': '90 天后', '365': '一年后', date: '指定日期……', never: '永不过期' },
  withdraw: '撤销',
  withdrawAsk: '撤销令牌 {name}？',
  withdrawDetail: '使用它的程序从现在起会被拒绝。',
  withdrawn: '令牌已撤销',
  none: '还没有 API 令牌',
  noneDetail: '请为每个使用 API 的程序单独创建令牌，以便分别撤销。',
}
export default words
