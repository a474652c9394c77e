import { computed, reactive, ref, shallowRef } from 'vue'
import { asProblem } from '../api/problem'
import { useForm, type Rules } from './form'
import { sureToDelete } from './questions'
import { say } from './say'

/** What a dialog has to say of the kind of object that it adds and edits. T is the object as it is stored, I its fields as they are typed. */
export interface Kind<T, I extends object> {
  /** The one to edit; left out: a new one. */
  stored?: T
  inputOf: (stored?: T) => I
  rules: (input: I) => Rules
  /** Every field that the form shows, as the server names it. */
  known: string[]
  add: (input: I, changed: (keyof I)[]) => Promise<unknown>
  /** Stores the changed fields, on the version that was read. */
  change: (old: T, input: I, changed: (keyof I)[]) => Promise<unknown>
  read: (old: T) => Promise<T>
  remove: (old: T) => Promise<unknown>
  /** A field's label and value in words, to compare two versions by; undefined: it is not compared. */
  shown: (field: keyof I, input: I) => [label: string, value: string] | undefined
  /** Words: that it was added or saved, what is asked before it is deleted, and that it was. */
  saved: (input: I) => string
  question: (old: T) => [title: string, detail: string]
  deleted: (old: T) => string
}

/** A dialog's copy of one object: what is typed, what is wrong with it, and what somebody else has made of it meanwhile. */
export function useEdit<T, I extends object>(kind: Kind<T, I>) {
  const open = ref(true)
  const original = shallowRef(kind.stored)
  const newer = shallowRef<T>() // after a 412: what is stored now
  const input = reactive(kind.inputOf(kind.stored)) as I
  const form = useForm(kind.rules(input))
  const start = JSON.stringify(input)
  const dirty = computed(() => JSON.stringify(input) !== start)

  const keys = () => Object.keys(input) as (keyof I)[]
  const differ = (a: I, b: I, field: keyof I) => JSON.stringify(a[field]) !== JSON.stringify(b[field])
  /** Fields that were typed: another's edit of another field is not undone. */
  const changed = () => keys().filter((f) => differ(kind.inputOf(original.value), input, f))

  /** @returns whether it is stored */
  async function send(): Promise<boolean> {
    const old = original.value
    const taken = await form.send(async () => {
      try {
        await (old === undefined ? kind.add(input, changed()) : kind.change(old, input, changed()))
      } catch (thrown) {
        if (old !== undefined && asProblem(thrown).type === 'precondition-failed') newer.value = await kind.read(old)
        throw thrown
      }
    }, kind.known)
    if (taken) say.ok(kind.saved(input))
    return taken
  }

  /** What either of the two has changed: what is stored, and what it becomes if mine is saved over it. */
  const differences = computed<[string, string, string][]>(() => {
    if (newer.value === undefined) return []
    const [was, theirs] = [kind.inputOf(original.value), kind.inputOf(newer.value)]
    return keys().filter((f) => differ(theirs, was, f) || differ(input, was, f)).flatMap((f) => {
      const [stored, mine] = [kind.shown(f, theirs), kind.shown(f, differ(input, was, f) ? input : theirs)]
      return stored && mine ? [[stored[0], stored[1], mine[1]] as [string, string, string]] : []
    })
  })
  /** Takes over what somebody else has stored: all of it, or what I have not typed myself. */
  function take(keepMine: boolean) {
    const [mine, theirs] = [keepMine ? changed() : [], kind.inputOf(newer.value)]
    for (const f of keys()) if (!mine.includes(f)) input[f] = theirs[f]
    original.value = newer.value
    newer.value = undefined
    form.clear()
  }

  /** @returns whether it is deleted */
  async function remove(): Promise<boolean> {
    const old = kind.stored!
    if (!(await sureToDelete(...kind.question(old)))) return false
    const gone = await form.send(async () => void (await kind.remove(old)), [])
    if (gone) say.ok(kind.deleted(old))
    return gone
  }

  return { open, original, newer, input, form, dirty, changed, send, differences, take, remove, stored: kind.stored }
}

/** What EditDialog.vue shows of it. */
export type Edit = Pick<ReturnType<typeof useEdit<unknown, object>>, 'open' | 'newer' | 'form' | 'dirty' | 'send' | 'differences' | 'take' | 'remove' | 'stored'>

/** Of a body the fields that were changed. */
export function only<B extends object>(body: B, fields: PropertyKey[]): Partial<B> {
  return Object.fromEntries(Object.entries(body).filter(([name]) => fields.includes(name))) as Partial<B>
}
