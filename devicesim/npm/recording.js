// Recordings as fixtures: the first run records what the device and the site exchange, later ones play it and compare.
import { existsSync } from 'node:fs'
import { appendFile, mkdir, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

const question = '# question: '

/**
 * open decides whether a recording is made or played.
 * @param {string} file
 * @param {'all' | 'missing' | 'none'} update as snapshot tests have it
 * @returns the options for the simulator, and functions for after the start and the end
 */
export async function open(file, update) {
  const there = existsSync(file)
  if (!there && update === 'none') throw new Error(`There is no recording ${file}. Run the test with --update-snapshots to make it.`)
  if (update === 'all' || !there) return recorder(file)
  return player(file)
}

async function recorder(file) {
  const part = `${file}.part`
  await mkdir(dirname(file), { recursive: true })
  return {
    options: { record: part },
    started() {},
    /** check is called while the simulator still runs. */
    async check() {},
    /** finish is called when the simulator has ended. A failed test leaves the recording as it was. */
    async finish(imkey, passed) {
      if (!passed) return rm(part, { force: true })
      await appendFile(part, imkey.questions.map((text) => `${question}${JSON.stringify(text)}\n`).join(''))
      await rename(part, file)
    },
  }
}

async function player(file) {
  const text = await readFile(file, 'utf8')
  const lines = text.split('\n')
  const questions = lines.filter((line) => line.startsWith(question)).map((line) => JSON.parse(line.slice(question.length)))
  return {
    options: {
      replay: file,
      mnemonic: undefined,
      pin: undefined,
      serial: undefined,
      seed: undefined,
      state: undefined,
      unbound: undefined,
      confirmBinding: undefined,
    },
    started: (imkey) => imkey.plays(questions),
    async check(imkey) {
      const progress = await imkey.call('replay')
      if (progress.error) throw new Error(difference(file, lines, progress, await imkey.trace()))
      if (progress.played < progress.of)
        throw new Error(
          `The site stopped before the end of ${file}: it sent ${progress.played} of ${progress.of} commands. The next one is on line ${progress.line}:\n- ${readable(lines[progress.line - 1])}\n${hint}`,
        )
    },
    async finish() {},
  }
}

const hint = 'If the change is meant, run the test with --update-snapshots to record it again.'

/** difference says what the site asked for instead of the recording. */
function difference(file, lines, { error, played, line }, trace) {
  const sent = trace.filter(({ kind, dir }) => kind === 'apdu' && dir === 'out')
  const got = sent[played]
  return [
    `The site asked for something else than ${file} has${line ? `, from line ${line} on` : ', after its last line'}:`,
    `- ${line ? readable(lines[line - 1]) : 'nothing'}`,
    `+ ${got ? `${readable(`=> ${got.hex}`)}   (${got.text})` : 'nothing'}`,
    error.replace(/^replay: /, ''),
    hint,
  ].join('\n')
}

/** readable returns a line of a recording, with what of it can be read as text. */
function readable(line) {
  const bytes = Buffer.from(line.slice(3), 'hex')
  const words = bytes.toString('latin1').match(/[ -~]{4,}/g)
  const hex = bytes.length > 40 ? `${bytes.toString('hex').slice(0, 80)}… ${bytes.length} bytes` : bytes.toString('hex')
  return `${line.slice(0, 2)} ${hex}${words ? `   “${words.join('” “')}”` : ''}`
}
