import type en from '../en/rates'

const words: typeof en = {
  quote: {
    sentence: '拨打 {number} 通话 {duration} 的费用为 {cost}：',
    initial: '前 {time} 秒 {cost}',
    units: '+ {n} × {unit} 秒，每单位 {rate}',
    noEnd: '通话没有时限：不再产生费用。',
    lasts: '可用 {available}，最长可通话 {time}。',
    none: '没有匹配此通话的费率。',
  },
  unbilled: {
    deactivated: '不计费：计费未激活。',
    extension: '不计费：该分机未启用计费。',
    emergency: '不计费：紧急号码。',
    unrated: '不计费：没有匹配的费率，且允许此类通话。',
    free: '不计费：该费率免费。',
  },
}
export default words
