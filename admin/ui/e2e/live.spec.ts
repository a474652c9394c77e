// Active calls and the dashboard, with real calls in the background.
// Each has a call that talks meanwhile: slow machines need the time.
import { accessible, expect, field, fits, look, row, signIn, test, visit } from './support'

test.describe.configure({ timeout: 180_000 })

async function liveRow(page: Parameters<typeof row>[0], extension: string) {
  const found = page.locator('[data-row]', { hasText: `User${extension}[${extension}]` })
  await expect(found).toHaveCount(1)
  return found
}

test('a call appears by itself, counts down, and is hung up: the phone sees it', async ({ page, office }) => {
  await office.extension('5201', '0.15')
  await signIn(page, office)
  await visit(page, '/active-calls?q=5201')
  await expect(page.locator('[data-test=live]')).toContainText('Live')
  await expect(page.locator('[data-test=empty]')).toBeVisible()
  const call = await office.call('5201')
  await page.locator('main').getByText('User5201[5201]').waitFor()
  const line = await liveRow(page, '5201')
  await expect(line).toContainText(/988360046.*FXO-1.*Talking.*0\.1000/s)
  const left = line.locator('[data-test=time-left]')
  await expect(left).toHaveText(/^[12]:[0-5]\d$/) // 0.15 lasts 170 s
  const before = await left.textContent()
  await expect(left).not.toHaveText(before!)
  await expect(page).toHaveTitle(/^\(\d+\) Active calls · Tollgate$/)
  await accessible(page, 'active calls')
  await line.locator('[data-test=hang-up]').click()
  const dialog = page.getByRole('dialog')
  await expect(dialog).toContainText('Hang up the call of User5201[5201] to 988360046?')
  await expect(dialog).toContainText('$0.1000')
  await accessible(page, 'hang up')
  await page.keyboard.press('Escape')
  await expect(dialog).toBeHidden()
  expect((await call.look()).state, 'Escape hangs up nothing').toBe('talking')
  await line.locator('[data-test=hang-up]').click()
  await dialog.locator('[data-test=submit]').click()
  await expect.poll(async () => (await call.look()).state, { message: 'a BYE at the phone' }).toBe('ended')
  await expect(page.locator('[data-test=empty]')).toBeVisible()
  await expect.poll(async () => (await office.api<{ items: { ended_by: string; cost: string }[] }>('GET', '/calls?q=5201')).items[0]).toMatchObject({ ended_by: 'operator', cost: '0.1000' })
})

test('the last seconds are amber, then red, and the cut is seen', async ({ page, office }) => {
  await office.extension('5202', '0.4') // 95… costs 0.01 a second: 40 s
  await signIn(page, office, 'viewer')
  await visit(page, '/active-calls?q=5202')
  const call = await office.call('5202', '955501234')
  const left = page.locator('[data-test=time-left]')
  await expect(left).toHaveClass(/soon|now/)
  await expect(page.locator('[data-test=hang-up]'), 'a viewer hangs nobody up').toHaveCount(0)
  await expect(left, 'the last 15 of its 40 seconds').toHaveClass(/now/, { timeout: 45_000 })
  await expect.poll(async () => (await call.look()).state, { timeout: 60_000 }).toBe('ended')
  await expect(left).toHaveCount(0)
  expect(await office.balance('5202')).toBe('0.0000')
})

test('a lost connection is said, and recovered from', async ({ page, office }) => {
  await office.extension('5203', '5')
  await signIn(page, office)
  const calls = /\/api\/v1\/active-calls/
  await page.route(calls, (route) => route.abort())
  await page.goto('/active-calls?q=5203')
  await expect(page.locator('[data-test=live]')).toContainText('Reconnecting')
  await expect(page.locator('main [role=status]')).toContainText('what is shown may be old')
  const call = await office.call('5203')
  await page.unroute(calls)
  await expect(page.locator('[data-test=live]'), 'by itself').toContainText('Live')
  await liveRow(page, '5203')
  await call.hangUp()
  await expect(page.locator('[data-test=empty]')).toBeVisible()
})

test('Dashboard: who runs out soon with Recharge, trunks, refusals, what no rate caught', async ({ page, office }) => {
  await office.extension('5204')
  const refused = await office.dial('5204', '988360046')
  await expect.poll(async () => (await refused.look()).code).toBe(402)
  const unrated = await office.dial('5204', '812345678')
  await expect.poll(async () => (await unrated.look()).code).toBe(403)
  await signIn(page, office)
  await visit(page, '/dashboard')
  await expect(page.locator('[data-test=trunks] tbody tr', { hasText: 'FXO-1' })).toContainText('Up')
  await expect.poll(async () => {
    await page.reload()
    await page.locator('[data-test=refusals]').waitFor()
    return page.locator('[data-test=refusals]').innerText()
  }).toMatch(/not enough money[\s\S]*no rate|no rate[\s\S]*not enough money/)
  await expect(page.locator('[data-test=unrated]')).toContainText(/8123.*Refused: no rate matched.*812345678/s)
  await expect(page.locator('[data-test=low]')).toContainText('Runs out soon')
  const recharge = page.locator('[data-test=low] [data-test=recharge]').first()
  const number = (await recharge.getAttribute('aria-label'))!.replace(/.*: /, '')
  const before = Number(await office.balance(number))
  await recharge.click()
  await field(page, 'amount').fill('12.5')
  await expect(page.locator('[data-test=after]')).toContainText((before + 12.5).toFixed(4))
  await accessible(page, 'recharge from the dashboard')
  await page.keyboard.press('Enter')
  await expect(page.getByRole('dialog')).toBeHidden()
  expect(Number(await office.balance(number))).toBe(before + 12.5)
})

test('Active calls on a phone: cards', async ({ page, office }) => {
  await office.extension('5205', '5')
  await look(page, { phone: true, zh: true })
  await signIn(page, office)
  const call = await office.call('5205')
  await visit(page, '/active-calls?q=5205')
  await expect(page.locator('ul.cards [data-row]')).toHaveCount(1)
  await expect(page.locator('ul.cards')).toContainText('通话中')
  await fits(page, 'active calls')
  await accessible(page, 'active calls on a phone')
  await call.hangUp()
})
