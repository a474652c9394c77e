// Every dialog of every page: no accessibility violation, light and dark; in Chinese on a phone it opens as well, nothing
// sticks out sideways, and nothing is untranslated.
import { dialogs, openDialog, setScene, strikeScene, type Scene } from './dialogs'
import { accessible, accessibleInDark, expect, fits, look, messageNames, signIn, test, type Call, type Look, type Office, type Page } from './support'

const shown = '.el-overlay, .user-menu'
const names = Object.keys(dialogs)
const parts = 4 // each is a test, so that one is not too long

async function walk(page: Page, office: Office, first: (last: number) => string, how: Look, chosen: string[]) {
  const scene: Scene = await setScene(office, first)
  const call: Call = await office.call(scene.numbers[0]!)
  await look(page, how)
  await signIn(page, office)
  for (const name of chosen) {
    await test.step(name, async () => {
      await openDialog(page, name, scene, office)
      if (!how.phone) {
        await accessible(page, name, shown)
        await accessibleInDark(page, name, shown)
      }
      await fits(page, name)
      expect(await messageNames(page, shown), `${name}: names of messages in place of words`).toEqual([])
    })
  }
  await call.hangUp()
  await strikeScene(office, scene)
}

for (let part = 0; part < parts; part++) {
  const mine = names.filter((_, i) => i % parts === part)
  test(`every dialog, light and dark (${part + 1} of ${parts})`, ({ page, office, n }) => walk(page, office, (last) => n(Number(`98${part}${last}`)), {}, mine))
  test(`every dialog, dark, Chinese, on a phone (${part + 1} of ${parts})`, ({ page, office, n }) => walk(page, office, (last) => n(Number(`99${part}${last}`)), { dark: true, zh: true, phone: true }, mine))
}
