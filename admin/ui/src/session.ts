import { reactive, computed } from 'vue'
import { api, ask, type Role, type Schemas } from './api/client'
import { signs } from './lib/money'

interface Session {
  me?: Schemas['Me'] // undefined: nobody is signed in, or it is not known yet
  settings?: Schemas['Settings']
  billing?: Schemas['Billing'] // administrators only
  leaving?: boolean // is signing out: what is refused meanwhile asks for no password
}

/** Who is signed in, and what every page needs to know of the installation. */
export const session = reactive<Session>({})

export const isAdmin = computed(() => session.me?.role === 'admin')
/** May change what a billing manager may: extensions, rates, recharges. A viewer may not. */
export const mayEdit = computed(() => session.me?.role === 'admin' || session.me?.role === 'manager')
/** $, ¥, €, £ or ¤, for the headers of columns. */
export const sign = computed(() => signs[session.settings?.currency ?? 'USD'] ?? '¤')
/** Zone of the installation (IANA name): all times are shown in it. */
export const zone = computed(() => session.settings?.timezone ?? 'UTC')

/** Asks who is signed in; false where nobody is. Other errors are thrown. */
export async function resume(): Promise<boolean> {
  const response = await fetch('/api/v1/me')
  if (response.status === 401) return false
  if (!response.ok) return false
  session.me = (await response.json()) as Schemas['Me']
  await readSettings()
  return true
}

/** Signs in; throws a Problem where that is refused. */
export async function signIn(username: string, password: string): Promise<void> {
  await ask(api.POST('/api/v1/login', { body: { username, password } }))
  await refreshInstallation()
}

export async function signOut(): Promise<void> {
  session.leaving = true
  try {
    await ask(api.POST('/api/v1/logout'))
    session.me = session.settings = session.billing = undefined
  } finally {
    session.leaving = false
  }
}

/** Reads again what the header, the banners and the formats depend on. Call it after changing settings or billing. */
export async function refreshInstallation(): Promise<void> {
  session.me = await ask(api.GET('/api/v1/me'))
  await readSettings()
}

async function readSettings(): Promise<void> {
  session.settings = await ask(api.GET('/api/v1/settings'))
  session.billing = isAdmin.value ? await ask(api.GET('/api/v1/billing')) : undefined
}

/** The page that a role lands on. */
export function home(role: Role | undefined): string {
  return role === 'admin' ? '/dashboard' : '/extensions'
}
