package ask

import (
	"context"
	"errors"
	"regexp"
	"strings"

	"github.com/waymark-events/waymark/pkg/clickhouse"
)

// What went wrong, as answers name it.
const (
	CodeParameter = "bad_parameter"
	CodeSQL       = "sql"
	CodeBusy      = "busy"
	CodeAway      = "away"
	CodeSetup     = "setup"
	CodeSlow      = "slow"
	CodeGone      = "gone" // who asked is
	CodeBug       = "bug"
)

// A Failure is a question that got no answer. Its message is for who asked.
type Failure struct {
	Code, Message string
	// Parameter is the one that is wrong, where it is one.
	Parameter string
	Err       error
}

func (f *Failure) Error() string { return f.Code + ": " + f.Err.Error() }
func (f *Failure) Unwrap() error { return f.Err }

// Codes of ClickHouse's src/Common/ErrorCodes.cpp, and what they mean here.
var codes = map[int32]Failure{
	46:  {Code: CodeSetup, Message: "The region's database lacks a view of this version: an operator runs waymarkctl setup."}, // UNKNOWN_FUNCTION: a parameterized view
	47:  {Code: CodeSetup, Message: "A view of the region's database is of another version: an operator runs waymarkctl setup."},
	60:  {Code: CodeSetup, Message: "The region's database lacks a view of this version: an operator runs waymarkctl setup."},
	81:  {Code: CodeSetup, Message: "The region's database is not there yet: an operator runs waymarkctl setup."},
	159: {Code: CodeSlow, Message: slowMessage}, // TIMEOUT_EXCEEDED
	160: {Code: CodeSlow, Message: slowMessage}, // TOO_SLOW
	394: {Code: CodeSlow, Message: "An operator ended the query."},
	241: {Code: CodeSlow, Message: "The answer takes more memory than a question may: ask about a shorter span, or one item."},
	158: {Code: CodeSlow, Message: "The answer takes more rows than this user may read: ask about a shorter span, or one item."},
	307: {Code: CodeSlow, Message: "The answer takes more bytes than this user may read: ask about a shorter span, or one item."},
	201: {Code: CodeBusy, Message: "The quota of this ClickHouse user is used up: wait until it begins anew."},
	202: {Code: CodeBusy, Message: "ClickHouse runs as many queries as it may: ask again in a moment."},
	395: {Code: CodeParameter, Message: "A parameter has a value that the view does not take."}, // throwIf
	192: {Code: CodeAway, Message: "ClickHouse does not let the console in."},
	516: {Code: CodeAway, Message: "ClickHouse does not let the console in."},
	497: {Code: CodeSetup, Message: "The console's ClickHouse user lacks a right: see docs/console.md."},
}

const slowMessage = "The answer took longer than a question may: ask about a shorter span, or one item."

// failure tells what an error is. ctx is what the question was asked under.
func failure(ctx context.Context, err error) *Failure {
	var known *Failure
	if errors.As(err, &known) {
		return known
	}
	if code, sentence, is := clickhouse.Exception(err); is {
		f, is := codes[code]
		if !is {
			f = Failure{Code: CodeBug, Message: "ClickHouse refused the query, which is a fault of this version."}
		}
		f.Err = err
		if f.Code == CodeParameter {
			f.Parameter, f.Message = thrown(sentence, f.Message)
		}
		return &f
	}
	switch {
	case errors.Is(err, ErrBusy):
		return &Failure{Code: CodeBusy, Message: "Too many questions at once: ask again in a moment.", Err: err}
	case errors.Is(context.Cause(ctx), errSlow):
		return &Failure{Code: CodeSlow, Message: slowMessage, Err: err}
	case ctx.Err() != nil:
		return &Failure{Code: CodeGone, Message: "The request was given up.", Err: err}
	}
	return &Failure{Code: CodeAway, Message: "ClickHouse does not answer: the figures are safe, ask again in a moment.", Err: err}
}

// said is how a view's throwIf says what is wrong, before what ClickHouse adds to it, which quotes values.
var said = regexp.MustCompile(`^(?:Value passed to 'throwIf' function is non-zero: )?([a-z_]+): ([^\n']{1,400}?)(?:: (?:while|In scope|In query)\b.*)?$`)

// thrown takes a view's own sentence apart: the parameter, and what is accepted. otherwise stands where it cannot be read.
func thrown(sentence, otherwise string) (parameter, message string) {
	match := said.FindStringSubmatch(strings.TrimSpace(sentence))
	if match == nil {
		return "", otherwise
	}
	return match[1], strings.ToUpper(match[2][:1]) + strings.TrimSuffix(match[2][1:], ".") + "."
}

// Failed is the *Failure of an error of pkg/clickhouse. ctx is what was asked under.
func Failed(ctx context.Context, err error) error { return failure(ctx, err) }

// Code is ClickHouse's own code of a failure, as text; client where it is none of ClickHouse's.
func Code(f *Failure) string { return clickhouse.Code(f.Err) }
