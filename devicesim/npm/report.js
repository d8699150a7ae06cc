// One HTML file for a failed test: the screens, the pages' pictures, the exchange in words, and the faults that were armed.

const escape = (text) => String(text).replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)

const style = `
body { font: 14px/1.4 system-ui, sans-serif; margin: 2rem auto; max-width: 75rem; padding: 0 1rem; color: #1c1c1e; background: #fff }
h1 { font-size: 1.3rem } pre { white-space: pre-wrap; background: #fdecea; padding: .8rem; border-radius: 6px }
table { border-collapse: collapse; width: 100%; table-layout: fixed } th { position: sticky; top: 0; background: #fff; text-align: left }
th, td { padding: .3rem .6rem; border-bottom: 1px solid #e4e4e8; vertical-align: top; overflow-wrap: anywhere }
th:first-child, td:first-child { width: 5.5rem; color: #6b6b70; font-variant-numeric: tabular-nums }
.out::after { content: " →" } .in::before { content: "← " } .fault { background: #fff4d6 } .user { font-weight: 600 }
.screen { font: 13px/1.3 ui-monospace, monospace; white-space: pre; background: #10231a; color: #b8f5cf; padding: .4rem .6rem; border-radius: 4px; display: inline-block; min-width: 16ch }
img { max-width: 100%; border: 1px solid #d0d0d5 } @media (prefers-color-scheme: dark) { body, th { background: #1c1c1e; color: #eee } pre { background: #4a2020 } .fault { background: #4a3b10 } }
`

/** row returns the cells page, SDK and device of a moment. */
function row({ who, what, picture, dir }) {
  const cell = (html, name = '') => `<td${name && ` class="${name}"`}>${html}</td>`
  const image = picture ? `<br><img alt="the page" src="${escape(picture)}">` : ''
  switch (who) {
    case 'page':
      return cell(escape(what) + image) + cell('') + cell('')
    case 'sdk':
      return cell('') + cell(escape(what), dir) + cell('')
    case 'device':
      return cell('') + cell('') + cell(escape(what), dir)
    case 'screen':
      return cell('') + cell('') + cell(`<span class="screen">${escape(what.length ? what.join('\n') : '(dark)')}</span>`)
    default: // the user of the device, or a fault
      return (
        cell(image) +
        cell('') +
        cell(`${who === 'fault' ? 'Faults armed: ' : 'The user '}${escape(what)}`, who === 'fault' ? 'fault' : 'user')
      )
  }
}

/**
 * report returns the page.
 * @param {{ title: string, error?: string, steps: object[], trace: object[] }} of
 */
export function report({ title, error = '', steps, trace }) {
  const exchanged = trace
    .filter(({ kind }) => kind === 'apdu' || kind === 'plug')
    .map(({ time, kind, dir, text }) => ({
      time: Date.parse(time),
      who: kind === 'apdu' && dir === 'out' ? 'sdk' : 'device',
      dir,
      what: text,
    }))
  const all = [...steps, ...exchanged].sort((a, b) => a.time - b.time)
  const start = all[0]?.time ?? 0
  const rows = all.map((moment) => `<tr><td>${((moment.time - start) / 1000).toFixed(3)} s</td>${row(moment)}</tr>`).join('\n')
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>${escape(title)}</title><style>${style}</style>
<h1>${escape(title)}</h1>
${error && `<pre>${escape(error)}</pre>`}
<table><thead><tr><th>Time</th><th>Page</th><th>SDK</th><th>Device</th></tr></thead><tbody>
${rows}
</tbody></table></html>
`
}
