// Prints TypeScript with all changes in it, and the list of them, as JSON: node instrument.mjs TYPESCRIPT FILE. globalThis.mutant
// switches one on. The changes are those of Go, as far as TypeScript has them.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

const ts = createRequire(import.meta.url)(process.argv[2])
const file = process.argv[3]
const source = readFileSync(file, 'utf8')
const tree = ts.createSourceFile(file, source, ts.ScriptTarget.Latest, true)
const K = ts.SyntaxKind
const bounds = { '<': '<=', '<=': '<', '>': '>=', '>=': '>' }
const opposites = { '<': '>=', '<=': '>', '>': '<=', '>=': '<', '===': '!==', '!==': '===', '&&': '||', '||': '&&' }
const arithmetic = { '+': '-', '-': '+', '*': '/', '/': '*', '%': '*', '<<': '>>', '>>': '<<', '&': '|', '|': '&' }

const sites = []
const counted = new Map()

/** site notes a change of a node, and returns the condition that switches it on. */
function site(node, what) {
  let named = node
  while (named && !(named.name && (ts.isFunctionLike(named) || ts.isVariableDeclaration(named)))) named = named.parent
  const name = `${named?.name.getText() ?? 'the module'}: ${what}: ${node.getText().replace(/\s+/g, ' ').slice(0, 60)}`
  const nth = (counted.get(name) ?? 0) + 1
  counted.set(name, nth)
  const line = tree.getLineAndCharacterOfPosition(node.getStart()).line + 1
  sites.push({ id: sites.length + 1, name: nth > 1 ? `${name} (${nth})` : name, line })
  return `globalThis.mutant === ${sites.length}`
}

const texts = new Map()

/** text gives a node's text with the changes in it and in its parts. A part may be in the text twice. */
function text(node) {
  if (!texts.has(node)) texts.set(node, changed(node))
  return texts.get(node)
}

function changed(node) {
  // Types and imports have no code.
  if (ts.isTypeNode(node) || ts.isInterfaceDeclaration(node) || ts.isImportDeclaration(node) || ts.isTypeAliasDeclaration(node))
    return node.getFullText()
  let out = parts(node)
  const lead = source.slice(node.getFullStart(), node.getStart())
  const bare = () => out.slice(lead.length)
  if (ts.isBinaryExpression(node)) {
    const op = node.operatorToken.getText()
    const change = (what, table) => {
      if (op in table) out = `${lead}(${site(node, what)} ? (${text(node.left)} ${table[op]} ${text(node.right)}) : (${bare()}))`
    }
    const strings = [node.left, node.right].some((n) => ts.isStringLiteralLike(n) || ts.isTemplateExpression(n))
    change('bound', bounds)
    change('opposite', opposites)
    if (!strings) change('arithmetic', arithmetic)
  }
  const parent = node.parent
  const isCondition =
    parent &&
    (((ts.isIfStatement(parent) || ts.isWhileStatement(parent)) && parent.expression === node) ||
      (ts.isConditionalExpression(parent) && parent.condition === node))
  if (isCondition && !ts.isBinaryExpression(node)) out = `${lead}(${site(node, 'opposite')} ? !(${bare()}) : (${bare()}))`
  if ((node.kind === K.TrueKeyword || node.kind === K.FalseKeyword) && !ts.isLiteralTypeNode(parent)) {
    out = `${lead}(${site(node, 'opposite')} ? !${bare()} : ${bare()})`
  }
  if (ts.isExpressionStatement(node)) out = `${lead}{ if (!(${site(node, 'left out')})) { ${bare()} } }`
  return out
}

function parts(node) {
  let out = ''
  let at = node.getFullStart()
  ts.forEachChild(node, (child) => {
    out += source.slice(at, child.getFullStart()) + text(child)
    at = child.end
  })
  return out + source.slice(at, node.end)
}

let code = parts(tree)
code += source.slice(tree.end)
process.stdout.write(JSON.stringify({ code, sites }))
