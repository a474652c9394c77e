import type en from '../en/managers'

const words: typeof en = {
  intro: '计费用户在此登录，管理分机、费率和充值。他们看不到中继、用户、令牌和许可证。',
  username: '用户名',
  role: '角色',
  created: '创建时间',
  password: '密码',
  add: '添加计费用户',
  addDetail: '用户名（bill-xxx）和密码会自动生成。密码仅显示一次；用户登录后可以自行修改。',
  create: '创建',
  roleManager: '修改分机和费率、充值、挂断通话',
  roleViewer: '可查看计费管理员能看到的内容，但不能修改',
  made: '{name} 现在可以登录',
  reset: '重置密码',
  resetTitle: '重置 {name} 的密码',
  resetDetail: '旧密码立即失效，该用户已打开的会话会结束。',
  newPassword: '新密码',
  random: '随机生成',
  randomDetail: '仅显示一次，请复制',
  own: '使用以下密码',
  passwordSet: '已设置 {name} 的密码',
  deleteAsk: '删除 {name}？',
  deleteDetail: '已打开的会话会立即结束，该用户不能再登录。该用户做过的操作仍保留在记录中。',
  none: '还没有计费用户',
  noneDetail: '创建一个用户，让他人无需管理员权限即可管理计费。',
}
export default words
