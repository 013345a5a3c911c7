package model

import (
	"context"
	_ "embed"
	"fmt"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

var (
	//go:embed sql/engine.sql
	engineSQL string
	//go:embed sql/stage.sql
	stageSQL string
	//go:embed sql/staged.sql
	stagedSQL string
	//go:embed sql/swap.sql
	swapSQL string
	//go:embed sql/empty.sql
	emptySQL string
	//go:embed sql/drop.sql
	dropSQL string
)

// A stage is a table beside one of the model, in which its rows are made anew. It is of the server that was asked alone, whether or not the
// model's is replicated: of a replicated one the parts that take their place are fetched by the other replicas.
type stage struct {
	Table
	of Table
}

// newStage makes one as t is now, columns and keys that somebody has added among it: otherwise its parts would not be taken. run is the
// name of the command.
func newStage(ctx context.Context, conn *clickhouse.Conn, t Table, run string) (stage, error) {
	s := stage{t, t}
	s.Name += "_anew_" + run
	engine := ""
	err := conn.Query(ctx, engineSQL, func(_ []string, v []any) error {
		engine = v[0].(string)
		return nil
	}, clickhouse.Named("table", t.Name))
	switch {
	case err != nil:
		return s, fmt.Errorf("look at table %s: %w", t.Name, err)
	case engine == "":
		return s, fmt.Errorf("table %s is missing; run: waymarkctl migrate", t.Name)
	}
	statement := strings.NewReplacer("{stage}", s.Name, "{table}", t.Name, "{engine}", engine).Replace(withoutComments(stageSQL))
	if err := conn.Exec(ctx, statement); err != nil {
		return s, fmt.Errorf("make a table beside %s: %w", t.Name, err)
	}
	return s, nil
}

// swap has a partition's rows take the place of those that the model has.
func (s stage) swap(ctx context.Context, conn *clickhouse.Conn, partition string) error {
	var rows uint64
	err := conn.Query(ctx, stagedSQL, func(_ []string, v []any) error {
		rows = v[0].(uint64)
		return nil
	}, clickhouse.Named("table", s.Name), clickhouse.Named("partition", partition))
	if err != nil {
		return fmt.Errorf("look at table %s: %w", s.Name, err)
	}
	statement := swapSQL
	if rows == 0 { // a partition without rows replaces none
		statement = emptySQL
	}
	statement = strings.NewReplacer("{stage}", s.Name, "{table}", s.of.Name, "{partition}", partition).Replace(withoutComments(statement))
	if err := conn.Exec(ctx, statement); err != nil {
		return fmt.Errorf("replace rows of %s: %w", s.of.Name, err)
	}
	return nil
}

func (s stage) drop(ctx context.Context, conn *clickhouse.Conn) error {
	if err := conn.Exec(ctx, s.Fill(dropSQL)); err != nil {
		return fmt.Errorf("drop table %s, which is of no more use: %w", s.Name, err)
	}
	return nil
}

// dropLeft drops the tables of rebuilds that were killed: those that are older than a day.
func dropLeft(ctx context.Context, conn *clickhouse.Conn, told func(string)) error {
	var left []string
	err := conn.Query(ctx, stagesSQL, func(_ []string, v []any) error {
		if v[1].(uint8) == 1 {
			left = append(left, v[0].(string))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look for tables of a rebuild: %w", err)
	}
	for _, name := range left {
		if err := (stage{Table: Table{Name: name}}).drop(ctx, conn); err != nil {
			return err
		}
		told("table " + name + " of a rebuild that was cut off is dropped")
	}
	return nil
}
