// Reads as an analyst with the npm package @clickhouse/client, over HTTP; prints "ok" at the end.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../npm/package.json', import.meta.url))
const { createClient } = require('@clickhouse/client')

const [, , host, port, username, password, database] = process.argv
const client = createClient({ url: `http://${host}:${port}`, username, password, database })
const ask = async (query, query_params) => (await client.query({ query, query_params, format: 'JSONEachRow' })).json()

assert.equal((await client.ping({ select: true })).success, true)
const names = (await ask('SHOW TABLES')).map((row) => row.name)
for (const name of ['events', 'events_live', 'interactions', 'sessions']) assert.ok(names.includes(name), names.join())
for (const name of ['item_activity_feed', 'waymark_migrations']) assert.ok(!names.includes(name), names.join())

// A view with parameters, bound by the server.
const span = { account: 'shop', from: '2026-05-01', to: '2026-05-31', audience: 'live', item: 'shop-walkthru' }
const view = 'interactions(account={account:String}, from={from:Date}, to={to:Date}, audience={audience:String}, item={item:String})'
const plays = await ask(`SELECT interaction_id, exposed, started_at, seconds_to_complete, steps FROM ${view} ORDER BY first_time`, span)
assert.equal(plays.length, 50)
assert.deepEqual(plays[0], { interaction_id: 'shop-play-0', exposed: 1, started_at: '2026-05-04 10:00:00.000', seconds_to_complete: null, steps: {} })
assert.deepEqual(Object.keys(plays[1].steps), ['0'])
assert.equal((await ask(`SELECT count() AS n FROM ${view}`, { ...span, item: 'it\'s \\ "none"\n' }))[0].n, 0)

// Numbers of 64 bits are strings on request: JavaScript's end at 2^53. JSON columns come as objects.
const [row] = await ask("SELECT event_id, event, time, preview, latitude, flags, time_flag, props, props.cart.total::Float64 AS total FROM events WHERE interaction_id = 'shop-play-0'")
assert.match(row.event_id, /^[0-9a-f-]{36}$/)
assert.deepEqual({ ...row, event_id: '' }, {
  event_id: '', event: 'play', time: '2026-05-04 10:00:00.000', preview: false, latitude: 52.5, flags: ['cut:shop'], time_flag: 'as_sent',
  props: { plan: 'shop-gold', cart: { total: 1.5 }, tags: ['shop'] }, total: 1.5,
})
assert.deepEqual(await ask("SELECT latitude FROM events WHERE interaction_id = 'shop-play-1'"), [{ latitude: null }])
const quoted = await client.query({ query: 'SELECT 9007199254740993::UInt64 AS n', format: 'JSONEachRow', clickhouse_settings: { output_format_json_quote_64bit_integers: 1 } })
assert.deepEqual(await quoted.json(), [{ n: '9007199254740993' }])

await assert.rejects(ask('SELECT * FROM nowhere'), (e) => e.code === '60' && e.type === 'UNKNOWN_TABLE')
await assert.rejects(ask('SELECT * FROM system.users'), (e) => e.code === '497' && e.type === 'ACCESS_DENIED')
await assert.rejects(client.insert({ table: 'events', values: [{ account_id: 'shop' }], format: 'JSONEachRow' }), (e) => e.type === 'ACCESS_DENIED')
await assert.rejects(client.query({ query: 'SELECT 1', clickhouse_settings: { max_execution_time: 100000 } }), (e) => e.type === 'SETTING_CONSTRAINT_VIOLATION')

let rows = 0, chunks = 0
for await (const chunk of (await client.query({ query: 'SELECT number FROM numbers(2000000)', format: 'JSONCompactEachRow' })).stream()) {
  rows += chunk.length
  chunks++
}
assert.ok(rows === 2000000 && chunks > 10, `${rows} rows in ${chunks}`)
await client.close()
console.log('ok')
