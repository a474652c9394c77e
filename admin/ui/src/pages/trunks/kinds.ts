import type { Schemas } from '../../api/client'

export type Trunk = Schemas['Trunk']
export type Rule = Schemas['DialRule']
