import { defineConfig } from '@playwright/test'

// Run by `make browser` (cmd/tollgate/browser_test.go), which starts the program, a carrier and phones, and says in the
// environment where they are. The browser is the system's chromium; nothing is downloaded.
/** See UI_SLOW in DESIGN.md: limits are those of a browser that is not slowed down. */
const slow = process.env.UI_SLOW || process.env.UI_SLOW_ANSWERS ? 3 : 1

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  workers: 1, // one installation: settings that one test changes would be seen by another,
  fullyParallel: false,
  timeout: 120_000 * slow, // twice of what the longest takes on two busy cores
  expect: { timeout: 10_000 * slow },
  retries: 0,
  reporter: [['list'], ['json', { outputFile: 'test-results/report.json' }]],
  use: {
    baseURL: process.env.UI_URL,
    viewport: { width: 1280, height: 800 },
    locale: 'en-US',
    timezoneId: 'UTC',
    trace: process.env.UI_TRACE ? { mode: 'retain-on-failure', screenshots: false } : 'off',
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.UI_BROWSER ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking', '--disable-component-update', '--disable-sync'],
    },
  },
})
