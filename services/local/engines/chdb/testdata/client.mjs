// Talks to the embedded ClickHouse as any user of the npm package @clickhouse/client would; prints "client ok" at the end.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'

const require = createRequire(new URL('../../../npm/package.json', import.meta.url))
const { createClient } = require('@clickhouse/client')

const [, , address, database] = process.argv

for (const compressed of [false, true]) {
  const client = createClient({
    url: address,
    database,
    compression: { request: compressed, response: compressed },
    clickhouse_settings: { max_threads: 1 },
  })
  assert.equal((await client.ping()).success, true)
  assert.equal((await client.ping({ select: true })).success, true)

  const table = `client_${compressed}`
  await client.command({ query: `CREATE TABLE ${table} (id UInt64, name String, at DateTime64(3, 'UTC')) ENGINE = MergeTree ORDER BY id` })
  const inserted = await client.insert({
    table,
    values: [
      { id: '9007199254740991', name: 'größt', at: '2026-05-04 03:02:01.123' },
      { id: 1, name: "quote ' and \\", at: '2026-05-04 03:02:01.124' },
    ],
    format: 'JSONEachRow',
  })
  assert.equal(inserted.summary.written_rows, '2')
  assert.ok(inserted.query_id)

  const rows = await (await client.query({
    query: `SELECT *, {p:String} AS p FROM ${table} WHERE id >= {from:UInt64} ORDER BY id`,
    query_params: { from: 1, p: "it's\n" },
    format: 'JSONEachRow',
  })).json()
  assert.deepEqual(rows.map((r) => [String(r.id), r.name, r.p]), [['1', "quote ' and \\", "it's\n"], ['9007199254740991', 'größt', "it's\n"]])

  const json = await (await client.query({ query: `SELECT count() AS n FROM ${table}`, format: 'JSON' })).json()
  assert.equal(Number(json.data[0].n), 2)

  let streamed = 0
  const stream = (await client.query({ query: 'SELECT number FROM numbers(200000)', format: 'JSONCompactEachRow' })).stream()
  for await (const chunk of stream) streamed += chunk.length
  assert.equal(streamed, 200000)

  await assert.rejects(client.query({ query: 'SELECT * FROM nowhere', format: 'JSON' }), (e) => e.code === '60' && e.type === 'UNKNOWN_TABLE')
  await client.close()
}
console.log('client ok')
