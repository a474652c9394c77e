import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { effectScope } from 'vue'
import { useSoon } from './soon'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

function scene(takes: number) {
  const scope = effectScope()
  let runs = 0
  let together = 0
  let most = 0
  const occasion = scope.run(() =>
    useSoon(async () => {
      runs++
      most = Math.max(most, ++together)
      await new Promise((done) => setTimeout(done, takes))
      together--
    }, 700),
  )!
  return { scope, occasion, runs: () => runs, most: () => most }
}

test('occasions that never pause do not keep it from running', async () => {
  const s = scene(100)
  for (let i = 0; i < 100; i++) {
    s.occasion()
    await vi.advanceTimersByTimeAsync(100)
  }
  expect(s.runs()).toBeGreaterThanOrEqual(10)
  expect(s.runs()).toBeLessThanOrEqual(15)
})

test('never twice at a time, and what happens meanwhile is not missed', async () => {
  const s = scene(5000)
  s.occasion()
  await vi.advanceTimersByTimeAsync(1000)
  s.occasion()
  s.occasion()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(s.runs()).toBe(2)
  expect(s.most()).toBe(1)
})

test('a page that is left asks nothing any more', async () => {
  const s = scene(5000)
  s.occasion()
  await vi.advanceTimersByTimeAsync(1000)
  s.occasion()
  s.scope.stop()
  await vi.advanceTimersByTimeAsync(20_000)
  expect(s.runs()).toBe(1)
})
