/** The words of a field that lists numbers or names, separated by spaces, commas or new lines; each once. */
export function listed(text: string): string[] {
  return [...new Set(text.split(/[\s,;，、；]+/).filter(Boolean))]
}
