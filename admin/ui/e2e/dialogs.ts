// Every dialog of every page, and how a person opens it: for the walk with axe (dialogs.spec.ts) and for the pictures
// (gallery.spec.ts). Works in every language and on a phone; nothing is sent but what a dialog needs to be shown.
import { choose, expect, field, row, settled, visit, type Office, type Page } from './support'

/** What the dialogs are about: numbers and names of its own for each repetition. */
export interface Scene {
  numbers: string[] // of four extensions with money
  rate: number
  rule: number
  trunk: string
  person: string
  token: string
}

type Open = (page: Page, scene: Scene, office: Office) => Promise<void>

const submit = (page: Page) => page.getByRole('dialog').locator('[data-test=submit]').click()
const openExtension = async (page: Page, s: Scene) => {
  await visit(page, `/extensions?q=${s.numbers[0]}`)
  await page.locator(`[data-test="edit-${s.numbers[0]}"]`).click()
}
const openRate = async (page: Page, s: Scene) => {
  await visit(page, '/rates')
  await page.locator(`[data-test="edit-${s.rate}"]`).click()
}
const selectAll = async (page: Page, s: Scene) => {
  await visit(page, `/extensions?q=${s.numbers[0]!.slice(0, -1)}`)
  for (const number of s.numbers) await row(page, number).getByRole('checkbox').check()
}
const sheet = (page: Page, text: string) => page.locator('[data-test=file]').setInputFiles({ name: 'sheet.csv', mimeType: 'text/csv', buffer: Buffer.from(text) })
const question = (page: Page) => expect(page.locator('.el-message-box')).toBeVisible()

/** By page and dialog. */
export const dialogs: Record<string, Open> = {
  'extension-add': async (page) => {
    await visit(page, '/extensions')
    await page.locator('[data-test=add]').click()
  },
  'extension-edit': async (page, s) => {
    await openExtension(page, s)
    await page.locator('[data-test=more]').click()
    for (const limit of ['concurrent_calls', 'daily_spend', 'deny_prefixes']) await page.locator(`[data-test=own-${limit}]`).selectOption({ index: 1 })
  },
  'extension-mistakes': async (page, s) => {
    await openExtension(page, s)
    await field(page, 'credit').fill('-1')
    await submit(page)
  },
  'extension-stale': async (page, s, office) => {
    await openExtension(page, s)
    await field(page, 'username').fill('Reception desk')
    await office.api('PATCH', `/extensions/${s.numbers[0]}`, { caller_id: String(Math.floor(Math.random() * 1e9)) })
    await submit(page)
    await expect(page.locator('[data-test=stale]')).toBeVisible()
  },
  'extension-discard': async (page, s) => {
    await openExtension(page, s)
    await field(page, 'username').fill('Reception desk')
    await page.keyboard.press('Escape')
    await question(page)
  },
  'extension-delete': async (page, s) => {
    await openExtension(page, s)
    await page.locator('[data-test=delete]').click()
    await question(page)
  },
  'extension-import': async (page) => {
    await visit(page, '/extensions')
    await page.locator('[data-test=import]').click()
  },
  'extension-import-mistakes': async (page) => {
    await visit(page, '/extensions')
    await page.locator('[data-test=import]').click()
    await sheet(page, 'number,credit,status\n990001,much,open\n990002,-1,locked\nno blanks here,1,unlocked\n')
    await expect(page.locator('[data-test=dry-run]')).toBeVisible()
  },
  'extension-import-ready': async (page) => {
    await visit(page, '/extensions')
    await page.locator('[data-test=import]').click()
    await sheet(page, 'number,username\n990001,Ann\n101,Bert\n')
    await expect(page.locator('[data-test=dry-run]')).toBeVisible()
  },
  'recharge-one': async (page, s) => {
    await visit(page, `/extensions?q=${s.numbers[0]}`)
    await page.locator(`[data-test="recharge-${s.numbers[0]}"]`).click()
    await field(page, 'amount').fill('100')
  },
  'recharge-many': async (page, s) => {
    await selectAll(page, s)
    await page.locator('[data-test=recharge]').click()
    await field(page, 'amount').fill('600')
    await expect(page.locator('[data-test=confirm-amount]')).toBeVisible()
  },
  'recharge-receipt': async (page, s) => {
    await visit(page, `/extensions?q=${s.numbers[1]}`)
    await page.locator(`[data-test="recharge-${s.numbers[1]}"]`).click()
    await field(page, 'amount').fill('0.5')
    await submit(page)
    await expect(page.locator('[data-test=receipt]')).toBeVisible()
  },
  'recharge-correction': async (page, s) => {
    await visit(page, `/extensions/${s.numbers[0]}`)
    await page.locator('[data-test=recharge]').click()
    await page.locator('label', { has: page.locator('[data-test=kind-correction]') }).click()
    await field(page, 'amount').fill('-0.5')
    await submit(page)
  },
  'bulk-edit': async (page, s) => {
    await selectAll(page, s)
    await page.locator('[data-test=bulk]').click()
    for (const name of ['billing_enabled', 'credit', 'status', 'payment_type']) await page.locator(`[data-test=tick-${name}]`).check()
    await field(page, 'set-credit').fill('5')
  },
  'quick-recharge': async (page) => {
    await visit(page, '/dashboard')
    await page.locator('[data-test=low] [data-test=recharge]').first().click()
    await field(page.getByRole('dialog'), 'amount').fill('10')
  },
  'hang-up': async (page) => {
    await visit(page, '/active-calls')
    await page.locator('[data-test=hang-up]').first().click()
  },
  'rate-add': async (page, s) => {
    await visit(page, '/rates')
    await page.locator('[data-test=add]').click()
    await field(page, 'prefix').fill('9')
    await field(page, 'rate').fill('0.02')
    const dialog = page.getByRole('dialog') // the page below has the same calculator
    await choose(dialog, 'quote-extension', s.numbers[0]!)
    await field(dialog, 'quote-number').fill('988360046')
    await field(dialog, 'quote-duration').fill('3:58')
    await expect(dialog.locator('[data-test=cost]')).toBeVisible()
  },
  'rate-edit': openRate,
  'rate-extensions': async (page) => {
    await visit(page, '/rates')
    await page.locator('[data-test=add]').click()
    await page.locator('[data-test=rate-extensions]').click()
    await expect(page.locator('.el-select-dropdown__item:visible').first()).toBeVisible()
  },
  'rate-mistakes': async (page) => {
    await visit(page, '/rates')
    await page.locator('[data-test=add]').click()
    for (const [name, text] of [['prefix', 'nine'], ['number_length', '99'], ['initial_cost', '-1'], ['billing_unit', '0'], ['start_time', '25:00:00']] as const) await field(page, name).fill(text)
    await submit(page)
  },
  'rate-stale': async (page, s, office) => {
    await openRate(page, s)
    await field(page, 'remark').fill('my remark')
    await office.api('PATCH', `/rates/${s.rate}`, { remark: `theirs ${Math.floor(Math.random() * 1e6)}` })
    await submit(page)
    await expect(page.locator('[data-test=stale]')).toBeVisible()
  },
  'rate-delete': async (page, s) => {
    await openRate(page, s)
    await page.locator('[data-test=delete]').click()
    await question(page)
  },
  'rate-import-mistakes': async (page) => {
    await visit(page, '/rates')
    await page.locator('[data-test=import]').click()
    await sheet(page, 'prefix,rate,billing_unit,start_time\n9,cheap,60,00:00:00\n8,0.1,0,8 o’clock\n')
    await expect(page.locator('[data-test=dry-run]')).toBeVisible()
  },
  'trunk-add': async (page) => {
    await visit(page, '/trunks')
    await page.locator('[data-test=add-trunk]').click()
    await page.locator('[data-test=more]').click()
    await submit(page)
  },
  'trunk-edit': async (page, s) => {
    await visit(page, '/trunks')
    await page.locator(`[data-test="edit-trunk-${s.trunk}"]`).click()
  },
  'trunk-delete': async (page, s) => {
    await visit(page, '/trunks')
    await page.locator(`[data-test="edit-trunk-${s.trunk}"]`).click()
    await page.locator('[data-test=delete]').click()
    await question(page)
  },
  'rule-add': async (page) => {
    await visit(page, '/trunks')
    await page.locator('[data-test=add-rule]').click()
    await field(page, 'rule-prefix').fill('nine')
    await submit(page)
  },
  'rule-edit': async (page, s) => {
    await visit(page, '/trunks')
    await page.locator(`[data-test="edit-rule-${s.rule}"]`).click()
  },
  'rule-stale': async (page, s, office) => {
    await visit(page, '/trunks')
    await page.locator(`[data-test="edit-rule-${s.rule}"]`).click()
    await field(page, 'prepend').fill('00')
    await office.api('PATCH', `/dial-rules/${s.rule}`, { prepend: String(Math.floor(Math.random() * 1e6)) })
    await submit(page)
    await expect(page.locator('[data-test=stale]')).toBeVisible()
  },
  'rule-delete': async (page, s) => {
    await visit(page, '/trunks')
    await page.locator(`[data-test="edit-rule-${s.rule}"]`).click()
    await page.locator('[data-test=delete]').click()
    await question(page)
  },
  'webhook-add': async (page) => {
    await visit(page, '/settings')
    await page.locator('[data-test=add-webhook]').click()
    await field(page, 'url').fill('ftp://wrong')
    await submit(page)
  },
  'webhook-edit': async (page) => {
    await visit(page, '/settings')
    await page.locator('[data-test=edit-webhook]').first().click()
  },
  'webhook-delete': async (page) => {
    await visit(page, '/settings')
    await page.locator('[data-test=delete-webhook]').first().click()
  },
  'settings-discard': async (page) => {
    await visit(page, '/settings')
    await field(page, 'ring_timeout').fill('100')
    await page.locator('aside a[href="/calls"]').evaluate((link: HTMLElement) => link.click()) // a phone has it in a drawer
    await question(page)
  },
  'manager-add': async (page) => {
    await visit(page, '/managers')
    await page.locator('[data-test=add]').click()
  },
  'manager-reset': async (page, s) => {
    await visit(page, '/managers')
    await row(page, s.person).locator('[data-test=reset]').click()
    await page.locator('[data-test=how-own]').check()
    await field(page, 'own-password').fill('short')
    await submit(page)
  },
  'manager-password': async (page, s) => {
    await visit(page, '/managers')
    await row(page, s.person).locator('[data-test=reset]').click()
    await submit(page)
    await expect(page.locator('[data-test=copy-once]')).toBeVisible()
  },
  'manager-delete': async (page, s) => {
    await visit(page, '/managers')
    await row(page, s.person).locator('[data-test=delete]').click()
  },
  'token-add': async (page) => {
    await visit(page, '/tokens')
    await page.locator('[data-test=add]').click()
    await page.locator('[data-test=life]').click()
    await page.locator('.el-select-dropdown__item:visible').nth(3).click() // on a day that is still to be chosen
    await submit(page)
  },
  'token-withdraw': async (page, s) => {
    await visit(page, '/tokens')
    await page.locator('[data-row]', { hasText: s.token }).locator('[data-test=delete]').first().click()
  },
  'audit-record': async (page) => {
    await visit(page, '/audit-log?q=create-extension')
    await page.locator('[data-row] button').first().click()
  },
  'audit-bulk': async (page) => {
    await visit(page, '/audit-log?q=edit-extensions')
    await page.locator('[data-row] button').first().click()
  },
  keyboard: async (page) => {
    await visit(page, '/extensions')
    await page.keyboard.press('?')
  },
  'sign-in-again': async (page, s) => {
    await visit(page, `/extensions/${s.numbers[0]}`)
    const ended = /\/api\/v1\//
    await page.route(ended, (route) => route.fulfill({ status: 401, contentType: 'application/problem+json', body: JSON.stringify({ type: 'unauthenticated', title: 'x', status: 401 }) }))
    await page.locator('[data-test=recharge]').click()
    await field(page, 'amount').fill('3')
    await expect(page.locator('[data-test=again-password]')).toBeVisible()
    await page.unroute(ended)
  },
  'user-menu': async (page) => {
    await visit(page, '/extensions')
    await page.locator('[data-test=user-menu]').click()
    await expect(page.locator('.user-menu')).toBeVisible()
  },
}

/** Opens a dialog and waits until it stands still. */
export async function openDialog(page: Page, name: string, scene: Scene, office: Office): Promise<void> {
  await dialogs[name]!(page, scene, office)
  await expect(page.locator('.el-dialog:visible, .el-message-box:visible, .user-menu:visible').first(), name).toBeVisible()
  await settled(page)
}

/** What the dialogs need; first is the first of four numbers that end in 1 to 4. */
export async function setScene(office: Office, first: (last: number) => string): Promise<Scene> {
  const numbers = [1, 2, 3, 4].map(first)
  const names = ['Reception', 'Alice Martin', 'Bob Chen', 'Workshop']
  for (const [i, number] of numbers.entries()) await office.extension(number, String(5 + i * 11.25), { username: names[i] })
  await office.api('PATCH', '/extensions', { numbers, set: { credit: '2.5', payment_type: 'postpaid' } })
  const poor = first(9)
  await office.extension(poor, '0', { username: 'Front door' })
  const rate = await office.api<{ id: number }>('POST', '/rates', { prefix: '9', remark: 'mobile, by day', rate: '0.05', billing_unit: 30, initial_cost: '0.1', initial_time: 60, start_time: '08:00:00', end_time: '19:59:59', extensions: numbers })
  const trunk = `SPARE-${numbers[0]}`
  await office.api('POST', '/trunks', { name: trunk, uri: 'sip:127.0.0.1:9;transport=udp', enabled: false })
  const rule = await office.api<{ id: number }>('POST', '/dial-rules', { position: 50, prefix: '77', number_length: 0, strip: 2, prepend: '', trunks: [trunk] })
  const person = await office.person('viewer')
  const token = `monitoring ${numbers[0]}`
  await office.api('POST', '/tokens', { name: token, role: 'viewer' })
  const settings = await office.api<{ webhooks: unknown[] }>('GET', '/settings')
  await office.api('PUT', '/settings', { ...settings, webhooks: [{ url: 'https://hooks.example/tollgate/events', secret: 'a secret of this test', events: ['recharge', 'balance.low'] }] })
  return { numbers, rate: rate.id, rule: rule.id, trunk, person: person.username, token }
}

/** Takes away what setScene left that other tests would see. */
export async function strikeScene(office: Office, scene: Scene): Promise<void> {
  await office.api('DELETE', `/dial-rules/${scene.rule}`)
  await office.api('DELETE', `/trunks/${scene.trunk}`)
  await office.api('DELETE', `/managers/${scene.person}`)
  const settings = await office.api<Record<string, unknown>>('GET', '/settings')
  await office.api('PUT', '/settings', { ...settings, webhooks: [] })
  for (const token of (await office.api<{ items: { id: string; name: string }[] }>('GET', '/tokens')).items) if (token.name === scene.token) await office.api('DELETE', `/tokens/${token.id}`)
}
