// Every page and every dialog in every look, to be looked at by people, where UI_GALLERY names a folder.
import { mkdir } from 'node:fs/promises'
import { dialogs, openDialog, setScene, strikeScene } from './dialogs'
import { expect, look, settled, signIn, test, visit, type Look, type Page } from './support'

const folder = process.env.UI_GALLERY
test.skip(!folder, 'UI_GALLERY is not set')

const looks: Record<string, Look> = { light: {}, dark: { dark: true }, zh: { zh: true }, phone: { phone: true }, 'phone-zh-dark': { phone: true, zh: true, dark: true } }
const only = new RegExp(process.env.UI_GALLERY_ONLY ?? '') // of "phone-dashboard", "zh-dialog-rate-add"
const pages: Record<string, string> = {
  dashboard: '/dashboard', extensions: '/extensions', rates: '/rates', recharges: '/recharges', calls: '/calls', statistics: '/statistics', active: '/active-calls',
  trunks: '/trunks', settings: '/settings', billing: '/billing', managers: '/managers', tokens: '/tokens', audit: '/audit-log', account: '/account', missing: '/nothing-here',
}

/** The whole page; of a dialog what is on the screen, and what must be scrolled to below it. */
async function picture(page: Page, name: string) {
  await settled(page)
  await page.waitForTimeout(250)
  await page.screenshot({ path: `${folder}/${name}.png`, fullPage: !name.includes('-dialog-') })
  const hidden = await page.evaluate(() => {
    const overlay = [...document.querySelectorAll<HTMLElement>('.el-overlay-dialog')].findLast((o) => o.offsetParent !== null && o.scrollHeight > o.clientHeight + 8)
    overlay?.scrollTo(0, overlay.scrollHeight)
    return overlay !== undefined
  })
  if (hidden) await page.screenshot({ path: `${folder}/${name}-below.png` })
}

test('every page and every dialog in every look', async ({ page, office }) => {
  test.setTimeout(1_200_000)
  await mkdir(folder!, { recursive: true })
  const scene = await setScene(office, (last) => `22${last}`)
  const [a, b, c, d] = scene.numbers as [string, string, string, string]
  for (const [from, to] of [[a, '988360046'], [b, '955501234'], [c, '977700100']] as const) await (await office.call(from, to)).hangUp()
  await office.dial(d, '0049123')
  await office.filed(`/calls?q=${a}`, 1)
  const call = await office.call(a)
  await signIn(page, office)
  const list = await office.api<{ items: { id: string }[] }>('GET', '/calls?disposition=answered')
  const missed: string[] = []
  page.setDefaultTimeout(20_000)
  for (const [name, how] of Object.entries(looks)) {
    await look(page, how)
    for (const [title, path] of Object.entries({ ...pages, extension: `/extensions/${a}`, call: `/calls/${list.items[0]?.id}` })) {
      if (!only.test(`${name}-${title}`)) continue
      await visit(page, path)
      await picture(page, `${name}-${title}`)
    }
    for (const dialog of Object.keys(dialogs)) {
      if (!only.test(`${name}-dialog-${dialog}`)) continue
      try {
        await openDialog(page, dialog, scene, office)
        await picture(page, `${name}-dialog-${dialog}`)
      } catch (thrown) {
        missed.push(`${name} ${dialog}: ${thrown}`) // the other pictures are worth having
      }
    }
  }
  await call.hangUp()
  await strikeScene(office, scene)
  expect(missed).toEqual([])
})
