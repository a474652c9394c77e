/** An extension as every report names it: Extension6[106]; the number alone where it has no name. */
export function person(username: string, number: string): string {
  return username ? `${username}[${number}]` : number
}
