import type { Router } from 'vue-router'

let to = '' // path of the page that was asked for and is not shown yet

/** Notes where a router is going: a page may have to be loaded first, and the one before is still used meanwhile. */
export function noteLeaving(router: Router) {
  router.beforeEach((next) => void (to = next.path))
  const arrived = (there: { path: string }) => {
    if (there.path === to) to = ''
  }
  router.afterEach(arrived)
  router.onError((_error, there) => arrived(there))
}

/** Whether another page than this one was asked for: a change of the address would call that off. */
export function leaving(path: string): boolean {
  return to !== '' && to !== path
}
