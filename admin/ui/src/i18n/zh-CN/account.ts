import type en from '../en/account'

const words: typeof en = {
  signedInAs: '当前用户：{name}',
  change: '修改密码',
  old: '当前密码',
  new: '新密码',
  repeat: '再次输入新密码',
  rule: '至少八个字符',
  differ: '两次输入不一致',
  changed: '密码已修改；您的其他会话已结束',
}
export default words
