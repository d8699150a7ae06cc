/** A style sheet as text, with what it imports: for where a page's own sheets do not reach. */
declare module '*.css?text' {
  const css: string
  export default css
}
