// Sends one message of every type with Segment's SDK for Node.js, and prints what the SDK says became of each.
const { EDGE, KEY, SDK, MARK, TIMEOUT } = process.env
const { Analytics } = require(SDK)
const analytics = new Analytics({ writeKey: KEY, host: EDGE, flushAt: 6, maxRetries: 3, httpRequestTimeout: Number(TIMEOUT ?? 60000) })
analytics.on('error', () => {}) // told by the callbacks, too
const userId = `user-${MARK}`, anonymousId = `anon-${MARK}`
const context = {
  ip: '128.112.20.30', userAgent: 'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36',
  locale: 'de-DE', timezone: 'Europe/Berlin', page: { url: 'https://shop.example/cart?x=1', title: 'Your cart', referrer: 'https://www.google.com/' },
  campaign: { source: 'newsletter', medium: 'email', name: 'spring' },
}
const timestamp = new Date(Date.now() - 3600_000)
const outcomes = {}
const send = (method, message) => new Promise(done => analytics[method]({ anonymousId, context, timestamp, ...message }, error => {
  outcomes[method] = error ? String(error.message ?? error) : 'delivered'
  done()
}))
Promise.all([
  send('identify', { userId, traits: { plan: 'pro', logins: 7, email: 'ada@shop.example' } }),
  send('track', { userId, event: 'Order Placed', properties: { total: 19.99, items: [{ sku: 'a' }] } }),
  send('page', { userId, name: 'Cart', category: 'Shop', properties: { experiment: 'b' } }),
  send('screen', { userId, name: 'Checkout', properties: { step: 2 } }),
  send('group', { userId, groupId: 'acme', traits: { seats: 40 } }),
  send('alias', { userId, previousId: anonymousId }),
]).then(() => analytics.closeAndFlush()).then(() => { console.log(JSON.stringify(outcomes)); process.exit(0) })
