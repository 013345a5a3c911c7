package erase

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"math"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
)

var (
	//go:embed sql/person.sql
	personSQL string
	//go:embed sql/count.sql
	countSQL string
	//go:embed sql/visitors.sql
	visitorsSQL string
)

// mostListed is how many identifiers one statement has: ClickHouse parses 256 KiB of one at most (max_query_size).
const mostListed = 2000

// A person is rows that one statement can name: arguments of sql/person.sql.
type person []any

// person makes the arguments for identifiers of one kind, and visitors beside them. They go to the server as digests under a salt of this
// run.
func (e *Erasure) person(kind erasure.Kind, ids []string, visitors ...string) person {
	lists := map[erasure.Kind][]string{erasure.Visitor: {""}, erasure.User: {""}, erasure.Company: {""}}
	lists[erasure.Visitor] = append(lists[erasure.Visitor], e.digests(visitors)...)
	if kind != erasure.Span {
		lists[kind] = append(lists[kind], e.digests(ids)...)
	}
	from, to, until := int64(earliest), int64(latest), int64(latest)
	if !e.From.IsZero() {
		from = e.From.UnixMilli()
	}
	if !e.To.IsZero() {
		to = e.To.UnixMilli()
	}
	if !e.Suppress {
		until = e.tombstones[0].ReceivedUntil
	}
	return person{
		clickhouse.Named("account", e.Account), clickhouse.Named("salt", e.salt),
		clickhouse.Named("until", until), clickhouse.Named("from", from), clickhouse.Named("to", to), clickhouse.Named("everybody", kind == erasure.Span),
		clickhouse.Named("visitors", lists[erasure.Visitor]), clickhouse.Named("users", lists[erasure.User]), clickhouse.Named("companies", lists[erasure.Company]),
	}
}

// earliest and latest bound every time that the tables hold, in Unix milliseconds.
const (
	earliest = -2_208_988_800_000
	latest   = math.MaxInt64 / 1_000_000
)

// digests are what sql/person.sql makes of identifiers.
func (e *Erasure) digests(ids []string) []string {
	out := make([]string, len(ids))
	for i, id := range ids {
		sum := sha256.Sum256([]byte(e.salt + id))
		out[i] = strings.ToUpper(hex.EncodeToString(sum[:16]))
	}
	return out
}

// about is a statement with the person in it.
func about(statement string) string {
	return strings.ReplaceAll(statement, "{person}", strings.TrimSpace(withoutComments(personSQL)))
}

// withoutComments leaves out the lines that explain: within a statement they would end nothing, but they would stand in the server's logs.
func withoutComments(sql string) string {
	var out strings.Builder
	for line := range strings.Lines(sql) {
		if !strings.HasPrefix(line, "--") {
			out.WriteString(line)
		}
	}
	return out.String()
}

// count returns how many rows are the person's, and how many of these are not anonymised.
func (e *Erasure) count(ctx context.Context, p person) (rows, left uint64, err error) {
	err = e.Conn.Query(ctx, about(countSQL), func(_ []string, v []any) error {
		rows, left = v[0].(uint64), v[1].(uint64)
		return nil
	}, p...)
	if err != nil {
		return 0, 0, fmt.Errorf("count rows of events: %w", err)
	}
	return rows, left, nil
}

// visitors returns the visitors that only the user was, as far as the table knows, and how many others there are.
func (e *Erasure) visitors(ctx context.Context) (alone []string, shared int, err error) {
	_, users := e.kind()
	err = e.Conn.Query(ctx, visitorsSQL, func(_ []string, v []any) error {
		switch id := v[0].(string); {
		case v[1].(uint64) > 0:
			shared++
		case id != "":
			alone = append(alone, id)
		}
		return nil
	}, clickhouse.Named("account", e.Account), clickhouse.Named("salt", e.salt), clickhouse.Named("users", append([]string{""}, e.digests(users)...)))
	if err != nil {
		return nil, 0, fmt.Errorf("look for the user's visitors: %w", err)
	}
	return alone, shared, nil
}
