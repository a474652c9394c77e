import type en from '../en/login'

const words: typeof en = {
  title: '登录 Tollgate',
  username: '用户名',
  password: '密码',
  submit: '登录',
  wrong: '用户名或密码错误。',
  again: '您的会话已结束',
  againDetail: '请重新登录以继续。您输入的内容已保留并会被发送。',
  other: '以其他用户登录',
  expired: {
    title: '计费管理员目前无法登录',
    detail: '免费试用已结束，且未上传许可证。通话仍会计费。',
    step1: '请让系统管理员登录并打开“计费设置”。',
    step2: '在那里下载 billing.ac，发送给经销商，并上传收到的许可证。然后再在此登录。',
  },
  forgotten: '系统管理员的密码可在服务器上设置：tollgate admin passwd',
}
export default words
