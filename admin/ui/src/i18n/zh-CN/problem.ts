import type en from '../en/problem'

const words: typeof en = {
  malformed: '请求无法解析',
  validation: '有些字段需要修改',
  unauthenticated: '尚未登录',
  forbidden: '您的角色不允许此操作',
  'license-expired': '免费试用已结束，且没有许可证',
  'not-found': '该内容已不存在',
  'method-not-allowed': '服务器不接受此请求',
  conflict: '与现有内容冲突',
  'insufficient-funds': '余额不足',
  'precondition-failed': '其他人在此期间修改了它',
  'idempotency-mismatch': '此请求之前以不同内容发送过',
  throttled: '尝试次数过多。请等待 {n} 秒后重试。',
  'too-large': '文件过大',
  'store-unavailable': '存储暂时没有响应，请重试。',
  internal: '服务器出现故障，详情见其日志',
  network: '服务器没有响应。内容没有丢失，请重试。',
}
export default words
