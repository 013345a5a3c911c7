-- What the tables take on disk.
SELECT table, sum(p.rows) AS stored, count() AS parts, sum(p.bytes_on_disk) AS bytes
FROM system.parts AS p
WHERE database = @database AND active AND p.rows > 0
GROUP BY table
ORDER BY bytes DESC
