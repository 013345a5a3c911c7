package clickhouse

import (
	"errors"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// spokenOf are the codes whose sentences speak of users, names, limits and the server's state. Any other may quote a value of a row.
var spokenOf = map[int32]bool{
	3: true, 8: true, 10: true, 16: true, 20: true, 60: true, 81: true, 115: true, 158: true, 159: true, 164: true, 180: true, 192: true, 193: true, 194: true, 195: true,
	201: true, 202: true, 203: true, 209: true, 210: true, 241: true, 242: true, 243: true, 252: true, 285: true, 286: true, 291: true, 307: true, 319: true, 392: true, 396: true,
	425: true, 446: true, 452: true, 497: true, 511: true, 516: true, 999: true,
}

// A briefError says less than the error that it wraps.
type briefError struct {
	text string
	err  error
}

func (e *briefError) Error() string { return e.text }
func (e *briefError) Unwrap() error { return e.err }

// Brief is err without what may quote a value of a row: the server's sentence, unless its code is one that speaks of nothing like it, and what
// the driver says of a value. It wraps err, so that Classify, Code and FailedView know it.
func Brief(err error) error {
	var exception *proto.Exception
	var row *RowError
	switch {
	case errors.As(err, &row):
		return &briefError{fmt.Sprintf("column %s does not take a value", row.Column), err}
	case !errors.As(err, &exception):
		return err
	case FailedView(err) != "":
		return &briefError{fmt.Sprintf("ClickHouse answers with error %d, in the materialized view %s", exception.Code, FailedView(err)), err}
	case spokenOf[exception.Code]:
		return err
	}
	return &briefError{fmt.Sprintf("ClickHouse answers with error %d", exception.Code), err}
}
