// What every browser test uses: a page that fails the test on anything that the Content-Security-Policy blocks, on errors in
// the console and on requests to another host; people to sign in as; the switchboard that makes real calls; axe.
import { expect, test as base, type APIRequestContext, type Locator, type Page } from '@playwright/test'
import axe from 'axe-core'

export { expect, type Page }
export type Role = 'admin' | 'manager' | 'viewer'

const url = process.env.UI_URL!
const board = process.env.UI_SWITCHBOARD!
export const adminPassword = process.env.UI_PASSWORD!

/** What may appear in the console: answers that the test provokes are said by the browser itself. */
const expected = [/Failed to load resource: the server responded with a status of 4\d\d/, /Failed to load resource: the server responded with a status of 503/, /net::ERR_(INTERNET_DISCONNECTED|FAILED|ABORTED|CONNECTION)/]

export const test = base.extend<{ guarded: void; office: Office }>({
  guarded: [
    async ({ page }, use) => {
      const wrong: string[] = []
      page.on('console', (m) => {
        if (m.type() === 'error' || /Content Security Policy/.test(m.text())) wrong.push(m.text())
      })
      page.on('pageerror', (e) => wrong.push(String(e.stack ?? e)))
      page.on('request', (r) => {
        if (!r.url().startsWith(process.env.UI_URL!) && !(process.env.UI_EXPIRED_URL && r.url().startsWith(process.env.UI_EXPIRED_URL)) && !/^(blob|data):/.test(r.url())) wrong.push(`a request to another host: ${r.url()}`)
      })
      await use()
      expect(wrong.filter((text) => !expected.some((e) => e.test(text))), 'console errors, blocked content, requests to other hosts').toEqual([])
    },
    { auto: true },
  ],
  office: async ({ playwright }, use) => {
    const request = await playwright.request.newContext({ baseURL: url })
    await use(await Office.open(request))
    await request.dispose()
  },
})

/** The installation, through its API, as the administrator; and its phones. */
export class Office {
  private constructor(private readonly request: APIRequestContext) {}

  static async open(request: APIRequestContext): Promise<Office> {
    const answer = await request.post('/api/v1/login', { data: { username: 'admin', password: adminPassword } })
    expect(answer.ok(), await answer.text()).toBe(true)
    return new Office(request)
  }

  async api<T = Record<string, unknown>>(method: string, path: string, data?: unknown, headers: Record<string, string> = {}): Promise<T> {
    const answer = await this.request.fetch(`/api/v1${path}`, { method, data, headers })
    expect(answer.ok(), `${method} ${path}: ${answer.status()} ${await answer.text()}`).toBe(true)
    const text = await answer.text()
    return (text ? JSON.parse(text) : undefined) as T
  }

  /** An extension of its own for a test, so that tests do not disturb each other. */
  async extension(number: string, money = '0', more: Record<string, unknown> = {}): Promise<string> {
    await this.api('POST', '/extensions', { number, username: `User${number}`, billing_enabled: true, ...more })
    if (Number(money) > 0) await this.recharge(number, money)
    return number
  }

  async recharge(number: string, amount: string) {
    await this.api('POST', '/recharges', { extensions: [number], amount, note: '' }, { 'Idempotency-Key': `e2e-${number}-${Math.random()}` })
  }

  async balance(number: string): Promise<string> {
    return (await this.api<{ balance: string }>('GET', `/extensions/${number}`)).balance
  }

  /** Places a real call and waits until it talks. */
  async call(from: string, to = '988360046'): Promise<Call> {
    const call = await this.dial(from, to)
    await expect.poll(async () => (await call.look()).state, { message: `the call of ${from} to ${to}` }).toBe('talking')
    return call
  }

  /** Places a real call. */
  async dial(from: string, to: string): Promise<Call> {
    const answer = await this.request.post(`${board}/calls?from=${encodeURIComponent(from)}&to=${encodeURIComponent(to)}`)
    return new Call(this.request, ((await answer.json()) as { id: string }).id)
  }

  /** A manager or viewer of its own, with the password. */
  async person(role: 'manager' | 'viewer'): Promise<{ username: string; password: string }> {
    const { username, password } = await this.api<{ username: string; password: string }>('POST', '/managers', { role })
    return { username, password }
  }
}

/** A real call, seen from the caller's phone. */
export class Call {
  constructor(private readonly request: APIRequestContext, readonly id: string) {}
  async look(): Promise<{ state: 'calling' | 'talking' | 'ended' | 'refused'; code?: number; ended_by?: string; reason?: string }> {
    return (await this.request.get(`${board}/calls/${this.id}`)).json()
  }
  async hangUp() {
    await this.request.delete(`${board}/calls/${this.id}`)
  }
}

/** Signs in without the form, as the administrator or as somebody of another role. */
export async function signIn(page: Page, office: Office, role: Role = 'admin'): Promise<void> {
  const who = role === 'admin' ? { username: 'admin', password: adminPassword } : await office.person(role)
  const answer = await page.request.post('/api/v1/login', { data: who })
  expect(answer.ok(), await answer.text()).toBe(true)
}

export type Look = { dark?: boolean; zh?: boolean; phone?: boolean }

/** Shows pages as a visitor has them: dark, Chinese, on a phone. Call it before goto. */
export async function look(page: Page, { dark = false, zh = false, phone = false }: Look): Promise<void> {
  await page.emulateMedia({ colorScheme: dark ? 'dark' : 'light', reducedMotion: 'reduce' })
  await page.setViewportSize(phone ? { width: 390, height: 844 } : { width: 1280, height: 800 })
  await page.addInitScript((tongue) => localStorage.setItem('tollgate.language', tongue), zh ? 'zh-CN' : 'en')
}

/** Opens a page and waits until it stands still: nothing loads any more. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await page.locator('main h1').first().waitFor()
  await settled(page)
}

export async function settled(page: Page): Promise<void> {
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => Number.isFinite(a.effect?.getComputedTiming().endTime as number)).map((a) => a.finished.catch(() => undefined))))
}

/** No violation of WCAG 2.1 A and AA in what is shown now. */
export async function accessible(page: Page, where: string): Promise<void> {
  await settled(page)
  await page.evaluate(axe.source)
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run: (context: unknown, options: unknown) => Promise<{ violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[] }> } }).axe
    const result = await run.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa'] })
    return result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 4).map((n) => `   ${n.target.join(' ')} ${n.failureSummary.replace(/\s+/g, ' ')}`).join('\n')}`)
  })
  expect(found, `accessibility of ${where}`).toEqual([])
}

/** Nothing sticks out sideways. */
export async function fits(page: Page, where: string): Promise<void> {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth)
  expect(over, `${where} scrolls sideways by ${over} px`).toBeLessThanOrEqual(0)
}

/** A row of a list, by its key. */
export function row(page: Page, key: string): Locator {
  return page.locator(`[data-row="${key}"]`).first()
}

/** A cell of a list, on a phone too. */
export function cell(page: Page, key: string, column: string): Locator {
  return row(page, key).locator(`[data-column="${column}"]`)
}

/** The input of a field that carries data-test. */
export function field(page: Page | Locator, name: string): Locator {
  return page.locator(`input[data-test="${name}"], [data-test="${name}"] input, textarea[data-test="${name}"]`).first()
}

/** Chooses from a select of Element Plus: the option with this text, or an extension by its number. */
export async function choose(within: Page | Locator, name: string, option: string): Promise<void> {
  const page = 'page' in within ? within.page() : within
  await within.locator(`[data-test="${name}"]`).first().click()
  await page.locator('.el-select-dropdown__item:visible').filter({ hasText: new RegExp(`^\\s*${option}\\s*$|\\[${option}\\]`) }).first().click()
}
