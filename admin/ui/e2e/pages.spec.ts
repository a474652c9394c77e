// Every page, for every role, light and dark, English and Chinese, on a desk and on a phone: no accessibility violation,
// nothing sideways, nothing untranslated.
import { accessible, accessibleInDark, expect, fits, look, messageNames, signIn, test, visit, type Role } from './support'

const everyone = ['/extensions', '/extensions/101', '/rates', '/recharges', '/calls?disposition=any', '/statistics', '/active-calls', '/dashboard', '/settings', '/account', '/no-such-page']
const pages: Record<Role, string[]> = {
  admin: [...everyone, '/trunks', '/billing', '/managers', '/tokens', '/audit-log'],
  manager: everyone,
  viewer: everyone,
}

for (const role of ['admin', 'manager', 'viewer'] as const) {
  test(`every page of ${role}, light and dark`, async ({ page, office }) => {
    await look(page, {})
    await signIn(page, office, role)
    for (const path of pages[role]) {
      await visit(page, path)
      await accessible(page, `${path}, light, ${role}`)
      if (role !== 'admin') await accessibleInDark(page, `${path}, ${role}`) // which has a test of its own, below
      await fits(page, path)
    }
  })
}

test('every page, dark and Chinese', async ({ page, office }) => {
  await look(page, { dark: true, zh: true })
  await signIn(page, office)
  for (const path of pages.admin) {
    await visit(page, path)
    await accessible(page, `${path}, dark, Chinese`)
    await fits(page, path)
    expect(await page.locator('html').getAttribute('lang')).toBe('zh-CN')
    expect(await page.locator('main h1').first().textContent(), `${path} has a Chinese heading`).toMatch(/[\u4e00-\u9fff]|101/)
    expect(await messageNames(page), `${path}: names of messages in place of words`).toEqual([])
  }
})

test('every page on a phone', async ({ page, office, n }) => {
  await office.extension(n(100000000001), '0', { username: 'Aratherlongusernamewithoutanyblanks' }) // has no money: it is on the dashboard
  await look(page, { phone: true })
  await signIn(page, office)
  for (const path of pages.admin) {
    await visit(page, path)
    await fits(page, `${path} on a phone`)
    await accessible(page, `${path} on a phone`)
  }
})

test('pages of the administrator are closed to others', async ({ page, office }) => {
  await signIn(page, office, 'manager')
  for (const path of ['/trunks', '/billing', '/managers', '/tokens', '/audit-log']) {
    await visit(page, path)
    await expect(page.locator('main')).toContainText('There is no such page')
    await expect(page.locator('aside nav').getByRole('link', { name: 'Audit log' })).toHaveCount(0)
  }
})

test('the first load is at most 300 KB, gzipped', async ({ page, office }) => {
  await signIn(page, office)
  let bytes = 0
  page.on('response', async (r) => {
    if (r.url().includes('/assets/') || r.request().resourceType() === 'document') bytes += (await r.request().sizes()).responseBodySize
  })
  await visit(page, '/extensions')
  await page.waitForLoadState('networkidle').catch(() => undefined)
  expect(bytes).toBeGreaterThan(20_000)
  expect(bytes / 1024, 'KB').toBeLessThanOrEqual(300)
})
