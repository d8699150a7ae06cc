/** The text of a style sheet and of those that it imports, for a shadow tree. */
declare module '*.css?text' {
  const css: string
  export default css
}
