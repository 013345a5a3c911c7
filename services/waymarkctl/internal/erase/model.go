package erase

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/erasure"
	"github.com/waymark-events/waymark/services/waymarkctl/internal/model"
)

var (
	//go:embed sql/whose.sql
	whoseSQL string
	//go:embed sql/remaining.sql
	remainingSQL string
	//go:embed sql/links.sql
	linksSQL string
	//go:embed sql/model_count.sql
	modelCountSQL string
	//go:embed sql/model_delete.sql
	modelDeleteSQL string
	//go:embed sql/model_remaining.sql
	modelRemainingSQL string
	//go:embed sql/model_left.sql
	modelLeftSQL string
)

// model takes the person out of what is computed from events, once these are free of them.
//
// The person's rows go whole, and what remains in events of the same people is put back: what they did at another time, what was received later, and
// what is anonymised. No row has events of two people, and to put back what is there already changes nothing: so that killed anywhere, and run again,
// it is the same. A sink may put rows there meanwhile, of events that stay: they are deleted with the rest and put back, since an insert that was under
// way is waited for between the two.
func (e *Erasure) model(ctx context.Context) error {
	for again := false; ; again = true {
		if err := model.InsertsOver(ctx, e.Conn); err != nil {
			return err
		}
		// Rows move from tables of a rebuild to the model's, never back: so that they are first.
		staged, err := model.Staged(ctx, e.Conn)
		if err != nil {
			return err
		}
		if len(staged) > 0 {
			if err := e.anew(ctx, staged); err != nil {
				return err
			}
		}
		if err := e.anew(ctx, model.Tables()); err != nil {
			return err
		}
		left, err := e.modelLeft(ctx, append(staged, model.Tables()...))
		if err != nil {
			return err
		}
		if e.receipt.Left = left; left == 0 {
			e.Told("what is computed from events has nothing of them")
			return nil
		}
		if again {
			e.Told("rows of the model are left: once more")
		}
	}
}

// concerned are the rows of the model that are made anew: those of all who are meant, and of visitors who named one of them.
func (e *Erasure) concerned() []person {
	out := slices.Clone(e.persons)
	for linked := range slices.Chunk(e.linked, mostListed) {
		out = append(out, e.person(erasure.Visitor, linked))
	}
	return out
}

// anew deletes the rows of tables that are anybody's who is concerned, and puts back what remains of them.
func (e *Erasure) anew(ctx context.Context, tables []model.Table) error {
	deleted := false
	for _, t := range tables {
		for _, p := range e.concerned() {
			n, err := e.ask(ctx, t, modelCountSQL, p)
			if err != nil {
				return err
			}
			if n == 0 {
				continue
			}
			deleted = true
			if err := e.Conn.Exec(ctx, inModel(t, modelDeleteSQL), p...); err != nil && !gone(t, err) {
				return fmt.Errorf("change the table %s: %w", t.Name, err)
			}
		}
	}
	if deleted {
		if err := e.mutated(ctx); err != nil {
			return err
		}
		if err := model.InsertsOver(ctx, e.Conn); err != nil {
			return err
		}
	}
	remain, err := e.remain(ctx)
	if err != nil {
		return err
	}
	for _, p := range remain { // whether or not there were rows: a run before may have come so far
		for _, t := range tables {
			if err := e.putBack(ctx, t, p); err != nil {
				return err
			}
		}
	}
	return nil
}

// putBack makes t's rows of what events have of a person still.
func (e *Erasure) putBack(ctx context.Context, t model.Table, p person) error {
	first, end := int64(earliest), int64(latest)
	const day = 24 * time.Hour
	if !e.From.IsZero() && t.ByDay { // its rows are of the days in which the span lies
		first = e.From.Truncate(day).UnixMilli()
	}
	if !e.To.IsZero() && t.ByDay {
		end = e.To.Add(day - 1).Truncate(day).UnixMilli()
	}
	if err := t.Add(ctx, e.Conn, whose(remainingSQL), e.remaining(p, first, end)...); err != nil && !gone(t, err) {
		return err
	}
	return nil
}

// remain returns those of whom events have anything that is to be put back: mostly nobody.
func (e *Erasure) remain(ctx context.Context) (out []person, err error) {
	statement := whose(strings.Replace(modelRemainingSQL, "{remaining}", withoutComments(remainingSQL), 1))
	for _, p := range e.concerned() {
		var n uint64
		err := e.Conn.Query(ctx, statement, func(_ []string, v []any) error {
			n = v[0].(uint64)
			return nil
		}, e.remaining(p, earliest, latest)...)
		if err != nil {
			return nil, fmt.Errorf("look for what remains of the person: %w", err)
		}
		if n > 0 {
			out = append(out, p)
		}
	}
	return out, nil
}

// remaining are the arguments of sql/remaining.sql for a span of time.
func (e *Erasure) remaining(p person, first, end int64) person {
	return append(slices.Clone(p), clickhouse.Named("first", first), clickhouse.Named("end", end), clickhouse.Named("anonymised", e.Mode == erasure.Anonymise))
}

// modelRows counts the rows of the model that a request means.
func (e *Erasure) modelRows(ctx context.Context) (rows uint64, err error) {
	for _, t := range model.Tables() {
		for _, p := range e.persons {
			n, err := e.ask(ctx, t, modelCountSQL, p)
			if err != nil {
				return 0, err
			}
			rows += n
		}
	}
	return rows, nil
}

// modelLeft counts what is in the model of events that are no more.
func (e *Erasure) modelLeft(ctx context.Context, tables []model.Table) (left uint64, err error) {
	for _, t := range tables {
		for _, p := range e.concerned() {
			n, err := e.ask(ctx, t, modelLeftSQL, p)
			if err != nil {
				return 0, err
			}
			left += n
		}
	}
	return left, nil
}

// ask asks for a number.
func (e *Erasure) ask(ctx context.Context, t model.Table, statement string, p person) (n uint64, err error) {
	err = e.Conn.Query(ctx, inModel(t, statement), func(_ []string, v []any) error {
		n = v[0].(uint64)
		return nil
	}, p...)
	if err != nil && !gone(t, err) {
		return 0, fmt.Errorf("count rows of %s: %w", t.Name, err)
	}
	return n, nil
}

// gone tells whether a table of a rebuild was dropped: its rows have taken their place in the model, which is looked at after it.
func gone(t model.Table, err error) bool {
	const unknownTable = "60"
	return t.Name != t.Part && clickhouse.Code(err) == unknownTable
}

// whose is a statement with those who are meant in it.
func whose(statement string) string {
	return strings.ReplaceAll(statement, "{whose}", strings.TrimSpace(withoutComments(whoseSQL)))
}

// inModel is a statement about t.
func inModel(t model.Table, statement string) string { return whose(t.Fill(statement)) }

// links finds the visitors whose rows are made anew though they are not meant.
func (e *Erasure) links(ctx context.Context) error {
	for _, p := range e.persons {
		err := e.Conn.Query(ctx, whose(about(linksSQL)), func(_ []string, v []any) error {
			e.linked = append(e.linked, v[0].(string))
			return nil
		}, p...)
		if err != nil {
			return fmt.Errorf("look for visitors who named the person: %w", err)
		}
	}
	return nil
}
