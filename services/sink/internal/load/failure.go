package load

import (
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// errOperator marks what only an operator can fix.
var errOperator = errors.New("stopped; nothing is lost, a restart goes on from here")

func operator(err error) error { return fmt.Errorf("%w (%w)", err, errOperator) }

// A passingError is a fault that time fixes. Whether its insert landed is not known.
type passingError struct{ err error }

func (e *passingError) Error() string { return e.err.Error() }
func (e *passingError) Unwrap() error { return e.err }

// A refusedError is what ClickHouse says of rows that it does not take. Whose error it is the sieve finds out.
type refusedError struct{ err error }

func (e *refusedError) Error() string { return e.err.Error() }
func (e *refusedError) Unwrap() error { return e.err }

// failed tells what an error of a look at ClickHouse asks for: another look, or somebody.
func failed(err error) error {
	if clickhouse.Classify(err) != clickhouse.Retriable {
		return operator(err)
	}
	return &passingError{err}
}
