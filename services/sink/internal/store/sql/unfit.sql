-- Which rows of sent have JSON that a JSON column does not take. The cast is the one of an insert, with NULL for an error.
SELECT row
FROM sent
WHERE accurateCastOrNull(props, 'JSON(max_dynamic_paths = 0)') IS NULL
   OR accurateCastOrNull(detail, 'JSON(max_dynamic_paths = 0)') IS NULL
ORDER BY row
