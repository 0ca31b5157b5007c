import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

export interface RunningBrowser {
  readonly browser: Browser
  close (): Promise<void>
}

/**
 * Starts a real Chromium without a window. Its binary comes inside an npm package for Linux on x64; elsewhere, or to use
 * another, CHROMIUM_PATH names one.
 */
export async function startChromium (): Promise<RunningBrowser> {
  const own = process.env['CHROMIUM_PATH']
  if (own !== undefined) {
    const browser = await chromium.launch({ executablePath: own, args: ['--no-sandbox'] })
    return { browser, close: () => browser.close() }
  }
  // A folder of our own: one in a known place could hold half a binary from a run that was ended, or somebody else's.
  const folder = await mkdtemp(join(tmpdir(), 'fastify-apikey-chromium-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  try {
    const browser = await launch(await unpack(folder), folder)
    return { browser, close: async () => { await browser.close(); await removeFolder() } }
  } catch (error) {
    await removeFolder()
    throw error
  }
}

/** What unpacking changes in the environment, by us and by the package. */
const TOUCHED = ['TMPDIR', 'AWS_EXECUTION_ENV', 'LD_LIBRARY_PATH', 'FONTCONFIG_PATH', 'HOME'] as const

/** Unpacks the binary and, for machines that lack them, the libraries it needs; the package does so where it sees Lambda. */
async function unpack (folder: string): Promise<string> {
  const before = TOUCHED.map((name) => [name, process.env[name]] as const)
  Object.assign(process.env, { TMPDIR: folder, AWS_EXECUTION_ENV: 'AWS_Lambda_nodejs20.x' })
  try {
    const { default: packed } = await import('@sparticuz/chromium')
    return await packed.executablePath()
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
}

async function launch (executablePath: string, folder: string): Promise<Browser> {
  // Root, as in a container, can't have Chromium's sandbox. Only pages of this project are opened.
  const options = { executablePath, args: ['--no-sandbox', '--disable-gpu'] }
  const fonts = existsSync('/etc/fonts/fonts.conf') ? {} : { FONTCONFIG_PATH: join(folder, 'fonts') }
  const env = { ...process.env, ...fonts }
  try {
    return await chromium.launch({ ...options, env })
  } catch (error) {
    if (!String(error).includes('error while loading shared libraries')) throw error
    return await chromium.launch({ ...options, env: { ...env, LD_LIBRARY_PATH: join(folder, 'al2023', 'lib') } })
  }
}
