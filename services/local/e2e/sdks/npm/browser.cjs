// Opens PAGE in Chromium, prints what the page says it is done with, and stays until standard input ends: then it leaves the page as a user does.
const { chromium } = require('playwright-core')
const { PAGE, CHROMIUM, VERBOSE } = process.env
const run = async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  const page = await browser.newPage({ locale: 'de-DE', timezoneId: 'Europe/Berlin', viewport: { width: 1024, height: 700 } })
  page.on('pageerror', error => console.error(String(error)))
  page.on('console', message => message.type() === 'error' && console.error(message.text()))
  if (VERBOSE) page.on('request', r => r.method() !== 'OPTIONS' && console.error('request', r.method(), r.url(), JSON.stringify(r.headers()), r.postData()))
  await page.goto(PAGE, { referer: 'https://www.google.com/' })
  await page.waitForFunction(() => window.done !== undefined, undefined, { timeout: 30000 })
  console.log(JSON.stringify(await page.evaluate(() => window.done)))
  await new Promise(ended => process.stdin.on('end', ended).resume())
  await page.goto('about:blank')
  await browser.close()
}
run().then(() => process.exit(0), error => { console.error(error); process.exit(1) })
