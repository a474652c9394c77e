// Answers that come late, or after one that was asked for later: what is shown is of what is asked now.
import { cell, expect, field, row, settled, signIn, test, visit, type Page } from './support'

/** Holds the answers of an address back until each is let go, in any order; after open() it holds no more. */
async function holdBack(page: Page, address: RegExp, method: string) {
  const held: (() => Promise<void>)[] = []
  let open = false
  await page.route(address, async (route) => {
    if (open || route.request().method() !== method) return route.fallback()
    const answer = await route.fetch()
    held.push(() => route.fulfill({ response: answer }))
  })
  return { held, open: () => (open = true), until: (n: number) => expect.poll(() => held.length, { message: `requests to ${address}` }).toBe(n) }
}

test('what is typed in a search is no filter of the page one goes to', async ({ page, office }) => {
  await signIn(page, office)
  await visit(page, '/extensions')
  await page.locator('[data-search] input').fill('101')
  await page.locator('aside nav').getByRole('link', { name: 'Rate', exact: true }).click()
  await expect(page).toHaveURL(/\/rates/)
  await page.waitForTimeout(500) // longer than a search waits for the next key
  await expect(page).toHaveURL(/\/rates$/)
})

test('Enter in a list of extensions chooses what is typed, not what the list showed before', async ({ page, office, n }) => {
  await office.extension(n(6101), '5')
  await signIn(page, office)
  await visit(page, '/statistics')
  const lists = await holdBack(page, /\/api\/v1\/extensions\?.*q=/, 'GET')
  await field(page, 'extensions').focus()
  await page.keyboard.type(n(6101))
  await page.keyboard.press('Enter')
  await lists.until(1)
  lists.open()
  await lists.held[0]!()
  await expect(page).toHaveURL(new RegExp(`extension=${n(6101)}`))
})

test('a preview that is overtaken by another amount is not shown beside it', async ({ page, office, n }) => {
  await office.extension(n(6201), '5')
  await signIn(page, office)
  await visit(page, `/extensions?q=${n(6201)}`)
  await page.locator(`[data-test="recharge-${n(6201)}"]`).click()
  const previews = await holdBack(page, /\/recharges\/preview$/, 'POST')
  await field(page, 'amount').fill('1')
  await previews.until(1)
  await field(page, 'amount').fill('100')
  await previews.held[0]!()
  await previews.until(2)
  await expect(page.locator('[data-test=preview]')).not.toContainText('6.0000')
  await previews.held[1]!()
  await expect(page.locator('[data-test=preview]')).toContainText('105.0000')
})

test('of two files only the one that was chosen last is shown, and imported', async ({ page, office, n }) => {
  await signIn(page, office)
  await visit(page, `/extensions?q=${n(630)}`)
  await page.locator('[data-test=import]').click()
  const trials = await holdBack(page, /\/extensions\/import\?dry_run=1$/, 'POST')
  const choose = (name: string, text: string) => page.locator('[data-test=file]').setInputFiles({ name, mimeType: 'text/csv', buffer: Buffer.from(text) })
  await choose('first.csv', `number,username\n${n(6301)},Ann\n${n(6302)},Bert\n`)
  await trials.until(1)
  await choose('second.csv', `number,username\n${n(6303)},Carl\n`)
  await trials.until(2)
  await trials.held[1]!()
  await expect(page.locator('[data-test=dry-run]')).toContainText('It would add 1 and update 0')
  await trials.held[0]!()
  await settled(page)
  await expect(page.locator('[data-test=dry-run]')).toContainText('It would add 1 and update 0')
  await page.locator('[data-test=import-dialog] [data-test=submit]').click()
  await expect(row(page, n(6303))).toBeVisible()
  await expect(row(page, n(6301))).toHaveCount(0)

  trials.open()
  await page.locator('[data-test=import]').click()
  await choose('second.csv', `number,username\n${n(6303)},Carl again\n`)
  await expect(page.locator('[data-test=dry-run]')).toContainText('It would add 0 and update 1')
})

test('a switch keeps its place when an older list arrives after it', async ({ page, office, n }) => {
  await office.extension(n(6401), '5')
  await signIn(page, office)
  await visit(page, `/extensions?q=${n(6401)}`)
  const lists = await holdBack(page, /\/api\/v1\/extensions\?/, 'GET')
  const call = await office.call(n(6401)) // the page follows
  await lists.until(1)
  await page.locator(`[data-test="billing-${n(6401)}"]`).click()
  await expect.poll(async () => (await office.api('GET', `/extensions/${n(6401)}`)).billing_enabled).toBe(false)
  await lists.until(2) // it is asked again
  lists.open()
  for (const answer of lists.held.reverse()) await answer() // the older one last
  await settled(page)
  await expect(row(page, n(6401)).getByRole('switch')).not.toBeChecked()
  await call.hangUp()
  await expect(cell(page, n(6401), 'active_calls')).toHaveText('0')
})
