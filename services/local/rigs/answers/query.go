package answers

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// An answer is what one query took.
type answer struct {
	took                time.Duration
	rows, bytes, memory int64
}

// query asks over HTTP, as a dashboard does, and has ClickHouse throw the rows away at the end.
func (r *rig) query(ctx context.Context, sql string, parameters map[string]string) (a answer, err error) {
	values := url.Values{
		"database": {r.cfg.ClickHouse.Database}, "wait_end_of_query": {"1"}, "default_format": {"Null"},
		// What a query found before must not help the next one: a dashboard's questions differ.
		"use_query_cache": {"0"}, "use_query_condition_cache": {"0"},
	}
	for name, value := range parameters {
		values.Set("param_"+name, value)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.cfg.HTTP+"/?"+values.Encode(), strings.NewReader(sql))
	if err != nil {
		return a, err
	}
	begin := time.Now()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return a, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	a.took = time.Since(begin)
	if err != nil {
		return a, err
	}
	if resp.StatusCode != http.StatusOK {
		return a, fmt.Errorf("%s: %s", resp.Status, body)
	}
	return a, a.read(resp.Header.Get("X-ClickHouse-Summary"))
}

// read takes figures from the summary header; it has numbers as text.
func (a *answer) read(summary string) error {
	var figures map[string]string
	if err := json.Unmarshal([]byte(summary), &figures); err != nil {
		return fmt.Errorf("X-ClickHouse-Summary %q: %w", summary, err)
	}
	for name, to := range map[string]*int64{"read_rows": &a.rows, "read_bytes": &a.bytes, "memory_usage": &a.memory} {
		n, err := strconv.ParseInt(figures[name], 10, 64)
		if err != nil {
			return fmt.Errorf("X-ClickHouse-Summary: %s: %w", name, err)
		}
		*to = n
	}
	return nil
}

//go:embed sql/forget.sql
var forget string

// forget makes ClickHouse and the kernel drop what they keep of the tables in memory.
func (r *rig) forget(ctx context.Context) error {
	for _, statement := range strings.Split(strings.TrimSpace(forget), ";\n") {
		if err := r.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	return dropPages(r.cfg.Dir)
}

//go:embed sql/tables.sql
var tables string

//go:embed sql/parameters.sql
var parameters string

// parameters are the values of all that the views ask for: thirty days, the live audience, the item that was played most, a user with much to tell.
func (r *rig) parameters(ctx context.Context) (map[string]string, error) {
	until := r.cfg.History.Past.Until
	day := func(back int) string { return until.AddDate(0, 0, -back).Format(time.DateOnly) }
	out := map[string]string{
		"account": r.cfg.account(), "from": day(30), "to": day(1), "audience": "live",
		"other_from": day(30), "other_to": day(16), "other_audience": "live", "by": "country",
	}
	err := r.conn.Query(ctx, parameters, func(names []string, values []any) error {
		for i, name := range names {
			out[name] = values[i].(string)
		}
		return nil
	}, namedAccount(r.cfg.account()))
	return out, err
}
