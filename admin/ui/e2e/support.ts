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

/** How many times slower the browser is made, and how long (ms) an answer of the API is kept at most: see UI_SLOW in ../DESIGN.md. */
const slow = Number(process.env.UI_SLOW ?? 1)
const slowAnswers = Number(process.env.UI_SLOW_ANSWERS ?? 0)

/** Notes what the page says for a few seconds (toasts), so that a slow look still finds it: see said(). */
const listenToToasts = () => {
  const heard: string[] = ((window as unknown as { heard: string[] }).heard = [])
  new MutationObserver((changes) => {
    for (const node of changes.flatMap((c) => [...c.addedNodes])) if (node instanceof HTMLElement && node.matches('.el-message')) heard.push(`${node.matches('.el-message--error') ? 'error: ' : ''}${node.textContent}`)
  }).observe(document, { childList: true, subtree: true })
}

/** Counts the requests of a page that are not answered yet: see settled(). */
const countRequests = () => {
  const counted = window as unknown as { waiting: number }
  const ask = window.fetch
  counted.waiting = 0
  window.fetch = async (...what) => {
    counted.waiting++
    try {
      const answer = await ask(...what)
      await answer.clone().arrayBuffer()
      return answer
    } finally {
      counted.waiting--
    }
  }
}

export const test = base.extend<{ guarded: void; office: Office; n: (number: number) => string }>({
  /** Extension numbers of its own for each repetition of a test; no one is part of another. */
  n: async ({}, use, { repeatEachIndex }) => use((number) => `${10 + Number(process.env.UI_ROUND ?? 0) + repeatEachIndex}${number}`),
  guarded: [
    async ({ page }, use) => {
      if (slow > 1) await (await page.context().newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: slow })
      if (slowAnswers > 0) {
        await page.route('**/api/v1/**', async (route) => {
          if (!route.request().url().includes('/events')) await new Promise((done) => setTimeout(done, Math.random() * slowAnswers))
          await route.fallback().catch(() => undefined) // the page is gone
        })
      }
      const wrong: string[] = []
      page.on('console', (m) => {
        if (m.type() === 'error' || /Content Security Policy/.test(m.text())) wrong.push(m.text())
      })
      page.on('pageerror', (e) => wrong.push(String(e.stack ?? e)))
      page.on('request', (r) => {
        if (!r.url().startsWith(process.env.UI_URL!) && !(process.env.UI_EXPIRED_URL && r.url().startsWith(process.env.UI_EXPIRED_URL)) && !/^(blob|data):/.test(r.url())) wrong.push(`a request to another host: ${r.url()}`)
      })
      await page.addInitScript(countRequests)
      await page.addInitScript(listenToToasts)
      await use()
      expect(wrong.filter((text) => !expected.some((e) => e.test(text))), 'console errors, blocked content, requests to other hosts').toEqual([])
    },
    { auto: true },
  ],
  office: async ({ playwright }, use) => {
    const request = await playwright.request.newContext({ baseURL: url })
    const office = await Office.open(request)
    const before = await office.prices()
    await use(office)
    for (const id of await office.prices()) if (!before.includes(id)) await office.api('DELETE', `/rates/${id}`)
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

  /** The rates that there are: what a test adds prices the calls of no other. */
  async prices(): Promise<number[]> {
    const all: number[] = []
    for (let page = 1; ; page++) {
      const { items } = await this.api<{ items: { id: number }[] }>('GET', `/rates?per_page=200&page=${page}`)
      all.push(...items.map((r) => r.id))
      if (items.length < 200) return all
    }
  }

  /** Waits until a report lists so many lines: calls and money movements are filed a moment after they happened. */
  async filed(path: string, total: number): Promise<void> {
    await expect.poll(async () => (await this.api<{ total: number }>('GET', path)).total, { message: `lines of ${path}` }).toBe(total)
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

  /** A delivery of a webhook that was given up after a day. */
  async deadLetter() {
    const answer = await this.request.post(`${board}/dead-letters`)
    expect(answer.ok(), await answer.text()).toBe(true)
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

/** Opens a page and waits until it stands still: nothing loads or moves any more. */
export async function visit(page: Page, path: string): Promise<void> {
  await page.goto(path)
  await page.locator('main h1').first().waitFor()
  await settled(page)
}

/** Since the page was loaded it has said this in a message that goes by itself. */
export async function said(page: Page, text: string | RegExp): Promise<void> {
  const heard = async () => (await page.evaluate(() => (window as unknown as { heard: string[] }).heard)).join('\n')
  await (typeof text === 'string' ? expect.poll(heard).toContain(text) : expect.poll(heard).toMatch(text))
}

export async function settled(page: Page): Promise<void> {
  await expect.poll(() => page.evaluate(() => (window as unknown as { waiting: number }).waiting), { message: 'requests without an answer', intervals: [20, 50, 100] }).toBe(0)
  await expect(page.locator('[aria-busy=true]')).toHaveCount(0)
  await page.evaluate(() => Promise.all(document.getAnimations().filter((a) => Number.isFinite(a.effect?.getComputedTiming().endTime as number)).map((a) => a.finished.catch(() => undefined))))
}

/** No violation of WCAG 2.1 A and AA in what is shown now, or in the part of it that a selector names. @param rules those alone */
export async function accessible(page: Page, where: string, within?: string, rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa']): Promise<void> {
  await settled(page)
  if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source)
  const found = await page.evaluate(async ([part, chosen]) => {
    const run = (window as unknown as { axe: { run: (context: unknown, options: unknown) => Promise<{ violations: { id: string; help: string; nodes: { target: string[]; failureSummary: string }[] }[] }> } }).axe
    const result = await run.run(part ?? document, { resultTypes: ['violations'], runOnly: chosen })
    return result.violations.map((v) => `${v.id}: ${v.help}\n${v.nodes.slice(0, 4).map((n) => `   ${n.target.join(' ')} ${n.failureSummary.replace(/\s+/g, ' ')}`).join('\n')}`)
  }, [within, rules] as const)
  expect(found, `accessibility of ${where}`).toEqual([])
}

/** The same in dark: the page follows the system at once, and only its colours differ. */
export async function accessibleInDark(page: Page, where: string, within?: string): Promise<void> {
  await page.emulateMedia({ colorScheme: 'dark', reducedMotion: 'reduce' })
  await accessible(page, `${where}, dark`, within, ['color-contrast'])
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' })
}

/** Names of messages that are shown in place of words: rates.columns.prefix. */
export async function messageNames(page: Page, within = 'body'): Promise<string[]> {
  const text = (await page.locator(within).allInnerTexts()).join('\n')
  return text.replaceAll('billing.ac', '').match(/\b(?:account|active|audit|billing|calls|common|csv|dashboard|extensions|login|managers|problem|rates|recharges|settings|shell|statistics|tokens|trunks)\.[a-zA-Z_.]+\b/g) ?? []
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
