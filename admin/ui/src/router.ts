import { createRouter, createWebHistory } from 'vue-router'
import type { Role } from './api/client'
import { i18n } from './i18n'
import { noteLeaving } from './lib/leaving'
import { home, resume, session } from './session'

declare module 'vue-router' {
  interface RouteMeta {
    title: string // key under shell.page
    roles?: Role[] // who has this page; left out: everybody who is signed in
    open?: boolean // without log-in
  }
}

const admins: Role[] = ['admin']

/** Every page is a chunk of its own. Paths are part of what people send each other: do not rename them. */
export const routes = [
  { path: '/login', component: () => import('./pages/Login.vue'), meta: { title: 'login', open: true } },
  { path: '/dashboard', component: () => import('./pages/Dashboard.vue'), meta: { title: 'dashboard' } },
  { path: '/active-calls', component: () => import('./pages/ActiveCalls.vue'), meta: { title: 'active' } },
  { path: '/extensions', component: () => import('./pages/Extensions.vue'), meta: { title: 'extensions' } },
  { path: '/extensions/:number', component: () => import('./pages/Extension.vue'), meta: { title: 'extensions' } },
  { path: '/rates', component: () => import('./pages/Rates.vue'), meta: { title: 'rates' } },
  { path: '/recharges', component: () => import('./pages/Recharges.vue'), meta: { title: 'recharges' } },
  { path: '/calls', component: () => import('./pages/CallLog.vue'), meta: { title: 'calls' } },
  { path: '/calls/:id', component: () => import('./pages/Call.vue'), meta: { title: 'calls' } },
  { path: '/statistics', component: () => import('./pages/Statistics.vue'), meta: { title: 'statistics' } },
  { path: '/trunks', component: () => import('./pages/Trunks.vue'), meta: { title: 'trunks', roles: admins } },
  { path: '/settings', component: () => import('./pages/Settings.vue'), meta: { title: 'settings' } },
  { path: '/billing', component: () => import('./pages/Billing.vue'), meta: { title: 'billing', roles: admins } },
  { path: '/managers', component: () => import('./pages/Managers.vue'), meta: { title: 'managers', roles: admins } },
  { path: '/tokens', component: () => import('./pages/Tokens.vue'), meta: { title: 'tokens', roles: admins } },
  { path: '/audit-log', component: () => import('./pages/AuditLog.vue'), meta: { title: 'audit', roles: admins } },
  { path: '/account', component: () => import('./pages/Account.vue'), meta: { title: 'account' } },
  { path: '/', component: () => import('./pages/Missing.vue'), meta: { title: 'dashboard' } }, // never shown: beforeEach goes to the role's first page
  { path: '/:rest(.*)*', component: () => import('./pages/Missing.vue'), meta: { title: 'missing' } },
]

export const router = createRouter({ history: createWebHistory(), routes, scrollBehavior: (_to, _from, saved) => saved ?? false })

noteLeaving(router)
router.beforeEach(async (to) => {
  if (to.meta.open) return true
  if (!session.me && !(await resume())) return { path: '/login', query: to.fullPath === '/' ? {} : { to: to.fullPath } }
  if (to.path === '/') return home(session.me?.role)
  if (to.meta.roles && !to.meta.roles.includes(session.me!.role)) return { path: '/missing', replace: true }
  return true
})

router.afterEach((to, from) => {
  document.title = pageTitle(to.meta.title)
  if (to.path !== from.path && from.matched.length > 0) {
    window.scrollTo(0, 0)
    document.getElementById('content')?.focus({ preventScroll: true }) // a screen reader begins with the new page
  }
})

/** The tab's title. */
export function pageTitle(key: string): string {
  return `${i18n.global.t(`shell.page.${key}`)} · Tollgate`
}
