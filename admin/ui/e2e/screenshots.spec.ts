// The pictures of the README, taken by the tests where UI_SCREENSHOTS names a folder.
import { mkdir } from 'node:fs/promises'
import { choose, expect, field, look, settled, signIn, test, visit } from './support'

const folder = process.env.UI_SCREENSHOTS
test.skip(!folder, 'UI_SCREENSHOTS is not set')

test('pictures for the README', async ({ page, office }) => {
  test.setTimeout(120_000)
  await mkdir(folder!, { recursive: true })
  const names = ['Reception', 'Alice Martin', 'Bob Chen', 'Workshop', 'Carol Jones', 'Meeting room', 'Dave Rossi', 'Guest']
  for (const [i, name] of names.entries()) await office.extension(String(201 + i), String(5 + ((i * 37) % 50)), { username: name, payment_type: i === 4 ? 'postpaid' : 'prepaid', credit: i === 4 ? '20' : '0' })
  const calls = [await office.call('201'), await office.call('202', '955501234'), await office.call('206', '977700100')]
  await look(page, {})
  await signIn(page, office)
  const take = async (name: string) => {
    await settled(page)
    await page.screenshot({ path: `${folder}/${name}.png` })
  }
  await visit(page, '/extensions?q=20')
  await take('extensions')
  for (const n of ['201', '203', '205']) await page.locator(`[data-row="${n}"] .pick input`).click()
  await page.keyboard.press('r')
  await field(page, 'amount').fill('25')
  await expect(page.locator('[data-test=preview] tbody tr').first()).toContainText('.')
  await expect(page.locator('[data-test=submit]')).toContainText('75.0000')
  await page.waitForTimeout(600)
  await take('recharge')
  await visit(page, '/active-calls')
  await page.waitForTimeout(1500)
  await take('active-calls')
  await visit(page, '/dashboard')
  await page.waitForTimeout(800)
  await take('dashboard')
  await look(page, { dark: true, zh: true })
  await visit(page, '/rates')
  await page.setViewportSize({ width: 1280, height: 1090 }) // all of the dialog
  await page.getByRole('button', { name: /编辑费率 1/ }).click()
  const dialog = page.getByRole('dialog')
  await choose(dialog, 'quote-extension', '202')
  await field(dialog, 'quote-number').fill('988360046')
  await expect(dialog.locator('[data-test=cost]')).toContainText('0.1800')
  await page.mouse.move(0, 0) // nothing is hovered
  await take('rate-dark-zh')
  await look(page, { phone: true })
  await visit(page, '/extensions?q=20')
  await page.locator('[data-row="202"] .pick input').click()
  await take('phone')
  for (const call of calls) await call.hangUp()
})
