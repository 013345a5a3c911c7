package clickhouse

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"sync/atomic"
	"time"

	ch "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// A Question is a statement of somebody's who waits for its answer. It reads only.
type Question struct {
	Statement string
	// Parameters stand for {name:Type} in the statement: ClickHouse reads each as its type, so that none can become a part of the statement.
	Parameters map[string]string
	// Rows bounds the answer; 0 is no bound.
	Rows int
	// Time bounds the server's work, in whole seconds, beside the context; Memory is how many bytes the query may take there. 0 is the user's
	// own profile's.
	Time   time.Duration
	Memory uint64
}

// An Answer is all of a question's rows, or the first of them.
type Answer struct {
	// Names and Types are the columns', as ClickHouse has them.
	Names, Types []string
	// Rows have the values that clickhouse-go makes of them; a JSON column's is a json.RawMessage.
	Rows [][]any
	// Read is how many rows of tables were read.
	Read uint64
	// Truncated tells that there are more rows than were asked for.
	Truncated bool
}

// errEnough ends the reading of an answer.
var errEnough = errors.New("enough rows")

// Ask answers a question, within the configuration's request timeout. When ctx ends, the server is told to end the query.
//
// The server holds the statement to reading, by readonly = 1, unless the user's profile already does so.
func (c *Conn) Ask(ctx context.Context, q Question) (*Answer, error) {
	level, err := c.level(ctx, q)
	if err != nil {
		return nil, err
	}
	return ask(ctx, c.pool, level, q)
}

// AskAlone is Ask over a connection of its own, which is closed afterwards: what a statement leaves behind in its session (SET, USE, temporary
// tables) is nobody else's.
func (c *Conn) AskAlone(ctx context.Context, q Question) (_ *Answer, err error) {
	level, err := c.level(ctx, q)
	if err != nil {
		return nil, err
	}
	cfg := c.cfg
	cfg.MaxConnections = 1
	alone, err := Open(cfg)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, alone.Close()) }()
	return ask(ctx, alone.pool, level, q)
}

// A freedom is what the user's profile lets a query set. Each has the settings of those after it.
type freedom int32

const (
	unknown freedom = iota
	all             // readonly, and the limits
	limits          // the profile is read-only (readonly = 2)
	formats         // and it fixes limits of its own
	none            // readonly = 1
)

// profileCodes are the server's answers to a setting that the profile fixes: READONLY and SETTING_CONSTRAINT_VIOLATION.
var profileCodes = map[string]bool{"164": true, "452": true}

// level finds out, once, what may be set, by a statement that could do no harm: a refusal of somebody's own statement must not be taken for one
// of its settings, or it would be run again without them.
func (c *Conn) level(ctx context.Context, q Question) (freedom, error) {
	probe := Question{Statement: "SELECT 1", Rows: q.Rows, Time: q.Time, Memory: q.Memory}
	wanted := fmt.Sprint(probe)
	if known, is := c.freedoms.Load(wanted); is {
		return known.(freedom), nil
	}
	for level := all; ; level++ {
		_, err := ask(ctx, c.pool, level, probe)
		if err == nil {
			c.freedoms.Store(wanted, level)
			return level, nil
		}
		if level == none || !profileCodes[Code(err)] {
			return unknown, err
		}
	}
}

func (l freedom) settings(q Question) ch.Settings {
	settings := make(ch.Settings)
	if l <= formats {
		maps.Copy(settings, shown)
	}
	if l <= limits {
		if q.Time > 0 {
			settings["max_execution_time"] = int(max(1, (q.Time+time.Second-1)/time.Second))
		}
		if q.Memory > 0 {
			settings["max_memory_usage"] = q.Memory
		}
		if q.Rows > 0 { // one more, by which a cut is seen; blocks are not cut by the server
			settings["max_result_rows"], settings["result_overflow_mode"] = q.Rows+1, "break"
		}
	}
	if l == all {
		settings["readonly"] = 1
	}
	return settings
}

func ask(ctx context.Context, pool driver.Conn, level freedom, q Question) (*Answer, error) {
	// The driver makes of a context's deadline a setting, which a profile may fix: it is to see the end of ctx when that comes, and no sooner.
	whole := ctx
	ctx, cancel := context.WithCancel(context.WithoutCancel(whole))
	defer cancel()
	defer context.AfterFunc(whole, cancel)()
	var read atomic.Uint64
	options := []ch.QueryOption{ch.WithSettings(level.settings(q)), ch.WithProgress(func(p *ch.Progress) { read.Add(p.Rows) })}
	var args []any
	for name, value := range q.Parameters {
		args = append(args, ch.Named(name, value))
	}
	rows, err := pool.Query(ch.Context(ctx, options...), q.Statement, args...)
	if errors.Is(err, io.EOF) && errors.Unwrap(err) == nil { // a statement that returns nothing; of a connection that was lost it is wrapped
		return &Answer{Names: []string{}, Types: []string{}, Read: read.Load()}, nil
	}
	if err != nil {
		return nil, ended(whole, fmt.Errorf("query: %w", err))
	}
	answer := &Answer{Names: rows.Columns()}
	for _, t := range rows.ColumnTypes() {
		answer.Types = append(answer.Types, t.DatabaseTypeName())
	}
	err = each(rows, nil, level <= formats, func(_ []string, values []any) error {
		if q.Rows > 0 && len(answer.Rows) == q.Rows {
			answer.Truncated = true
			cancel() // or the rest would be read to its end
			return errEnough
		}
		answer.Rows = append(answer.Rows, values)
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return nil, ended(whole, err)
	}
	answer.Read = read.Load()
	return answer, nil
}

// ended has the error of a context that has ended say so.
func ended(ctx context.Context, err error) error {
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return fmt.Errorf("query: %w", ctx.Err())
	}
	return err
}

// Exception returns the server's own code and sentence in err's chain; the sentence may quote the statement. ok is false when the error is not
// the server's.
func Exception(err error) (code int32, sentence string, ok bool) {
	var exception *proto.Exception
	if !errors.As(err, &exception) {
		return 0, "", false
	}
	return exception.Code, exception.Message, true
}
