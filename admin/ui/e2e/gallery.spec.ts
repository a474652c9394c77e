// Every page in every look, to be looked at by people, where UI_GALLERY names a folder.
import { mkdir } from 'node:fs/promises'
import { look, settled, signIn, test, visit, type Look } from './support'

const folder = process.env.UI_GALLERY
test.skip(!folder, 'UI_GALLERY is not set')

const looks: Record<string, Look> = { light: {}, dark: { dark: true }, zh: { zh: true }, phone: { phone: true }, 'phone-zh-dark': { phone: true, zh: true, dark: true } }
const pages: Record<string, string> = {
  dashboard: '/dashboard', extensions: '/extensions', extension: '/extensions/221', rates: '/rates', recharges: '/recharges', calls: '/calls', statistics: '/statistics', active: '/active-calls',
  trunks: '/trunks', settings: '/settings', billing: '/billing', managers: '/managers', tokens: '/tokens', audit: '/audit-log', account: '/account', missing: '/nothing-here',
}

test('every page in every look', async ({ page, office }) => {
  test.setTimeout(600_000)
  await mkdir(folder!, { recursive: true })
  const names = ['Reception', 'Alice Martin', 'Bob Chen', 'Workshop', 'Carol Jones', 'Meeting room']
  for (const [i, name] of names.entries()) await office.extension(String(221 + i), String(5 + ((i * 37) % 50)), { username: name })
  for (const [from, to] of [['221', '988360046'], ['222', '955501234'], ['223', '977700100']] as const) await (await office.call(from, to)).hangUp()
  await office.dial('224', '0049123')
  await office.api('POST', '/tokens', { name: 'monitoring', role: 'viewer' })
  const call = await office.call('221')
  await signIn(page, office)
  await page.waitForTimeout(2500)
  const list = await office.api<{ items: { id: string }[] }>('GET', '/calls?disposition=answered')
  for (const [name, how] of Object.entries(looks)) {
    await look(page, how)
    for (const [title, path] of Object.entries({ ...pages, call: `/calls/${list.items[0]?.id}` })) {
      await visit(page, path).catch(() => undefined)
      await settled(page)
      await page.waitForTimeout(250)
      await page.screenshot({ path: `${folder}/${name}-${title}.png`, fullPage: true })
    }
  }
  await call.hangUp()
})
