package clickhouse

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// A Class says who can fix an error.
type Class int

const (
	// Retriable passes by itself: hold the batch and try again.
	Retriable Class = iota
	// Operator needs somebody: a wrong password, a missing table. Stop and say so; nothing is wrong with the rows.
	Operator
	// Row is about the values of a row: the same row will always fail, the others of its batch need not.
	Row
)

func (c Class) String() string {
	return [...]string{"retriable", "operator", "row"}[c]
}

// Codes of ClickHouse's src/Common/ErrorCodes.cpp.
var classes = map[int32]Class{
	8:   Operator, // THERE_IS_NO_COLUMN
	10:  Operator, // NOT_FOUND_COLUMN_IN_BLOCK
	16:  Operator, // NO_SUCH_COLUMN_IN_TABLE
	20:  Operator, // NUMBER_OF_COLUMNS_DOESNT_MATCH
	36:  Operator, // BAD_ARGUMENTS: a statement this server does not take
	44:  Operator, // ILLEGAL_COLUMN: a column that takes no values, since it is MATERIALIZED, say
	47:  Operator, // UNKNOWN_IDENTIFIER
	48:  Operator, // NOT_IMPLEMENTED: the engine of the table, or this server, cannot do it
	50:  Operator, // UNKNOWN_TYPE
	60:  Operator, // UNKNOWN_TABLE
	62:  Operator, // SYNTAX_ERROR
	81:  Operator, // UNKNOWN_DATABASE
	115: Operator, // UNKNOWN_SETTING
	158: Operator, // TOO_MANY_ROWS: the user's profile allows less
	164: Operator, // READONLY: the user may read only
	180: Operator, // THERE_IS_NO_PROFILE
	192: Operator, // UNKNOWN_USER
	193: Operator, // WRONG_PASSWORD
	194: Operator, // REQUIRED_PASSWORD
	195: Operator, // IP_ADDRESS_NOT_ALLOWED
	291: Operator, // DATABASE_ACCESS_DENIED
	307: Operator, // TOO_MANY_BYTES: the user's profile allows less
	344: Operator, // SUPPORT_IS_DISABLED
	392: Operator, // QUERY_IS_PROHIBITED
	396: Operator, // TOO_MANY_ROWS_OR_BYTES: the user's profile allows less
	446: Operator, // FUNCTION_NOT_ALLOWED
	452: Operator, // SETTING_CONSTRAINT_VIOLATION: the user's profile fixes a setting that an insert needs
	497: Operator, // ACCESS_DENIED
	511: Operator, // UNKNOWN_ROLE
	516: Operator, // AUTHENTICATION_FAILED

	6:   Row, // CANNOT_PARSE_TEXT
	26:  Row, // CANNOT_PARSE_QUOTED_STRING
	27:  Row, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
	38:  Row, // CANNOT_PARSE_DATE
	41:  Row, // CANNOT_PARSE_DATETIME
	43:  Row, // ILLEGAL_TYPE_OF_ARGUMENT
	53:  Row, // TYPE_MISMATCH
	69:  Row, // ARGUMENT_OUT_OF_BOUND
	70:  Row, // CANNOT_CONVERT_TYPE
	72:  Row, // CANNOT_PARSE_NUMBER
	117: Row, // INCORRECT_DATA
	130: Row, // CANNOT_READ_ARRAY_FROM_TEXT
	131: Row, // TOO_LARGE_STRING_SIZE
	167: Row, // TOO_DEEP_AST: the name of a nested JSON value's type
	306: Row, // TOO_DEEP_RECURSION: a nested JSON value
	321: Row, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
	349: Row, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
	376: Row, // CANNOT_PARSE_UUID
	407: Row, // DECIMAL_OVERFLOW
	426: Row, // PROTOBUF_BAD_CAST
	467: Row, // CANNOT_PARSE_BOOL
	469: Row, // VIOLATED_CONSTRAINT
	675: Row, // CANNOT_PARSE_IPV4
	676: Row, // CANNOT_PARSE_IPV6
	691: Row, // UNKNOWN_ELEMENT_OF_ENUM
}

// Classify tells what an error of this package's calls asks for. What it does not know is Retriable, errors of the
// network among them: a retry of a token costs time, a row given up for a passing fault, or a batch dropped, is lost.
func Classify(err error) Class {
	var exception *proto.Exception
	if errors.As(err, &exception) {
		return classes[exception.Code]
	}
	var row *RowError
	if errors.As(err, &row) {
		return Row
	}
	var schema *SchemaError
	if errors.As(err, &schema) {
		return Operator
	}
	return Retriable
}

// viewInMessage is how the server says that it failed while it pushed a block to a materialized view, after the table had stored it.
var viewInMessage = regexp.MustCompile(`while pushing to view ([^\s,:()]+)`)

// FailedView returns the materialized view that an insert failed in, empty when it did not fail in one, or the server does not say.
func FailedView(err error) string {
	var exception *proto.Exception
	if !errors.As(err, &exception) {
		return ""
	}
	for e := exception; ; e = &e.Nested[0] {
		if match := viewInMessage.FindStringSubmatch(e.Message); match != nil {
			return strings.Trim(match[1], "`.")
		}
		if len(e.Nested) == 0 {
			return ""
		}
	}
}

// Code returns the server's error code in err's chain as text, for metrics; "client" when the error is not the server's.
func Code(err error) string {
	var exception *proto.Exception
	if errors.As(err, &exception) {
		return strconv.Itoa(int(exception.Code))
	}
	return "client"
}

// A RowError is a value that its column's type does not take, found before anything was sent.
type RowError struct {
	Column string
	Err    error
}

func (e *RowError) Error() string { return fmt.Sprintf("column %s: %v", e.Column, e.Err) }
func (e *RowError) Unwrap() error { return e.Err }

// A SchemaError is a table that is not as this version needs it.
type SchemaError struct{ Err error }

func (e *SchemaError) Error() string { return e.Err.Error() }
func (e *SchemaError) Unwrap() error { return e.Err }
