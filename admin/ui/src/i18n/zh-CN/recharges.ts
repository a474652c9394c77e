import type en from '../en/recharges'

const words: typeof en = {
  time: '时间',
  pre: '充值前余额',
  amount: '充值金额',
  post: '充值后余额',
  kind: '类型',
  by: '操作者',
  note: '备注',
  keywords: '分机号或用户名',
  kinds: {
    recharge: '充值',
    adjustment: '调整',
    opening: '期初余额',
    closing: '删除分机',
    payment_type: '变更付费类型',
  },
  none: '还没有资金变动',
  noneDetail: '充值和调整在“分机”页面进行；每一笔都连同变动前后的余额保存在这里。',
  toExtensions: '转到分机',
}
export default words
