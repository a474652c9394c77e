import createClient from 'openapi-fetch'
import { ref } from 'vue'
import { Problem, problemOf } from './problem'
import type { components, paths } from './schema'

export type Schemas = components['schemas']
export type Role = Schemas['Me']['role']

/** Whether the server answered the last request at all. App.vue says so when it did not. */
export const connected = ref(true)

type SignIn = () => Promise<void>
let signIn: SignIn | undefined
let signingIn: Promise<void> | undefined

/** SignInDialog.vue says how to sign in again in place: resolves when that is done, rejects when the user gives up. */
export function onSignedOut(ask: SignIn) {
  signIn = ask
}

/** All requests that meet a 401 at the same time wait for one dialog. */
function askSignIn(): Promise<void> {
  signingIn ??= signIn!().finally(() => (signingIn = undefined))
  return signingIn
}

async function reach(request: Request): Promise<Response> {
  try {
    const response = await fetch(request)
    connected.value = true
    return response
  } catch (cause) {
    if (request.signal.aborted) throw cause
    connected.value = false
    throw new Problem('network', 0, '', '')
  }
}

/** fetch, with one difference: a session that has ended is renewed in a dialog and the same request sent again, with the same body and keys. */
async function fetchSignedIn(request: Request): Promise<Response> {
  const again = request.clone()
  const response = await reach(request)
  if (response.status !== 401 || !signIn || new URL(request.url).pathname === '/api/v1/login') return response
  try {
    await askSignIn()
  } catch {
    return response
  }
  return reach(again)
}

/** The typed client: paths, parameters, bodies and answers are those of openapi.json. Use it through ask(). */
export const api = createClient<paths>({ baseUrl: location.origin, fetch: fetchSignedIn })

/** The answer's body; throws a Problem for everything else. `await ask(api.GET('/api/v1/rates'))` */
export async function ask<T>(sent: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<Exclude<T, string>> {
  const { data, error, response } = await sent
  if (!response.ok) throw problemOf(error, response)
  return data as Exclude<T, string> // a text is a download, which goes through download()
}

/** If-Match for the version that an edit was made on. */
export function ifMatch(version: number): { 'If-Match': string } {
  return { 'If-Match': `"${version}"` }
}

/** A new key for a dialog that moves money: made when it opens, so that a double click or a retry pays once. */
export function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, '0')).join('')
}

/**
 * Downloads what an address of the API answers, as a file. Problems are thrown like those of ask().
 * @param path under /api/v1, with its query
 */
export async function download(path: string, fallbackName: string): Promise<void> {
  const response = await fetchSignedIn(new Request(`${location.origin}/api/v1${path}`))
  if (!response.ok) throw problemOf(await response.json().catch(() => undefined), response)
  const named = /filename="?([^";]+)"?/.exec(response.headers.get('Content-Disposition') ?? '')
  const url = URL.createObjectURL(await response.blob())
  const link = document.createElement('a')
  link.href = url
  link.download = named?.[1] ?? fallbackName
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}

/** Sends a file as it is (CSV, licence). */
export async function upload<T>(path: string, content: Blob | string, contentType: string): Promise<T> {
  const response = await fetchSignedIn(
    new Request(`${location.origin}/api/v1${path}`, { method: 'POST', body: content, headers: { 'Content-Type': contentType } }),
  )
  const body = await response.json().catch(() => undefined)
  if (!response.ok) throw problemOf(body, response)
  return body as T
}
