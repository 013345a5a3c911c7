// Sends one message of every type with Jitsu's SDK, in Node.js, one request each; it never tries again. Prints what it complains of.
const { EDGE, KEY, MARK, S2S, TIMEOUT } = process.env
const { jitsuAnalytics } = require('@jitsu/js')
const complaints = []
const analytics = jitsuAnalytics({
  host: EDGE, writeKey: `${KEY}:any`, s2s: S2S === '1', errorPolicy: message => complaints.push(message), fetchTimeoutMs: Number(TIMEOUT ?? 60000),
})
const run = async () => {
  analytics.setAnonymousId(`anon-${MARK}`)
  await analytics.identify(`user-${MARK}`, { plan: 'pro', logins: 7 })
  await analytics.track('Order Placed', { total: 19.99 })
  await analytics.page({ name: 'Cart', url: 'https://shop.example/cart', title: 'Your cart', experiment: 'b' })
  await analytics.group('acme', { seats: 40 })
  console.log(JSON.stringify(complaints))
  process.exit(0)
}
run()
