#!/usr/bin/env node
// The command imkeysim of the package: runs the program of this machine, with its arguments, input, output and exit code.
import { spawn } from 'node:child_process'
import { program } from '../program.js'

const child = spawn(program(), process.argv.slice(2), { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
child.on('error', (error) => {
  console.error(`imkeysim: ${error.message}`)
  process.exit(1)
})
child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)))
