// Sends one message of every type with RudderStack's SDK for Node.js, which compresses, and prints what the SDK says became of each.
const { EDGE, KEY, MARK, TIMEOUT } = process.env
const Analytics = require('@rudderstack/rudder-sdk-node')
const analytics = new Analytics(KEY, { dataPlaneUrl: EDGE, flushAt: 6, flushInterval: 200, retryCount: 3, timeout: Number(TIMEOUT ?? 60000), logLevel: 'none', errorHandler: () => {} })
const userId = `user-${MARK}`, anonymousId = `anon-${MARK}`
const context = { ip: '128.112.20.30', userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0', locale: 'fr', screen: { width: 1440, height: 900 } }
const originalTimestamp = new Date(Date.now() - 3600_000)
const outcomes = {}
const send = (method, message) => new Promise(done => analytics[method]({ userId, anonymousId, context, originalTimestamp, ...message }, error => {
  outcomes[method] = error ? String(error.message ?? error) : 'delivered'
  done()
}))
Promise.all([
  send('identify', { traits: { plan: 'pro', logins: 7 } }),
  send('track', { event: 'Order Placed', properties: { total: 19.99 } }),
  send('page', { name: 'Cart', properties: { url: 'https://shop.example/cart', title: 'Your cart', experiment: 'b' } }),
  send('screen', { name: 'Checkout', properties: { step: 2 } }),
  send('group', { groupId: 'acme', traits: { seats: 40 } }),
  send('alias', { previousId: anonymousId }),
]).then(() => { console.log(JSON.stringify(outcomes)); process.exit(0) })
