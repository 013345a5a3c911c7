// Opens PAGES in Chromium, prints what each says that it is done with, and stays until standard input ends: then it leaves them as a user does.
const { chromium } = require('playwright-core')
const { PAGES, CHROMIUM } = process.env
const run = async () => {
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] })
  // A headless browser says so, and is told to be a bot.
  const userAgent = 'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36'
  const visit = async address => {
    const context = await browser.newContext({ userAgent, locale: 'de-DE', timezoneId: 'Europe/Berlin', viewport: { width: 1024, height: 700 } })
    const page = await context.newPage()
    page.setDefaultTimeout(120000)
    page.on('pageerror', error => console.error(String(error)))
    await page.goto(address, { referer: 'https://www.google.com/' })
    await page.waitForFunction(() => window.done !== undefined)
    return page
  }
  const pages = []
  for (const list = JSON.parse(PAGES); list.length > 0;) { // all at once are more than a small machine bears
    pages.push(...await Promise.all(list.splice(0, 4).map(visit)))
  }
  console.log(JSON.stringify(await Promise.all(pages.map(page => page.evaluate(() => window.done)))))
  await new Promise(ended => process.stdin.on('end', ended).resume())
  await Promise.all(pages.map(page => page.goto('about:blank')))
  await browser.close()
}
run().then(() => process.exit(0), error => { console.error(error); process.exit(1) })
