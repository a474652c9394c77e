import { ElMessageBox } from 'element-plus/es/components/message-box/index'
import 'element-plus/es/components/message-box/style/css'
import { i18n } from '../i18n'

/** Asks before something is deleted; false: not after all. */
export async function sureToDelete(title: string, detail: string): Promise<boolean> {
  const { t } = i18n.global
  return ElMessageBox.confirm(detail, title, { confirmButtonText: t('common.delete'), cancelButtonText: t('common.cancel'), confirmButtonClass: 'el-button--danger', type: 'warning', lockScroll: false }).then(() => true, () => false)
}

/** Asks before what was typed is lost. Enter and Esc keep it: only the button discards. */
export async function mayDiscard(): Promise<boolean> {
  const { t } = i18n.global
  const answer = await ElMessageBox.confirm(t('common.discard.title'), {
    confirmButtonText: t('common.discard.keep'), cancelButtonText: t('common.discard.action'), distinguishCancelAndClose: true, closeOnClickModal: false, showClose: false, lockScroll: false,
  }).catch((action: string) => action)
  return answer === 'cancel'
}
